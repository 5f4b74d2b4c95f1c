// The script of the demo shop's page: it keeps basket and picker in step, and shows the sum.

const form = document.querySelector("form[data-shop]");
const picker = document.querySelector("lastmile-picker");

if (form && picker) {
  const { currency, free, none, shop } = form.dataset;
  const format = new Intl.NumberFormat(form.dataset.locale, { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits;
  const cell = (name) => form.querySelector(`[data-sum="${name}"]`);
  const money = (minor) => format.format(minor / 10 ** digits);
  let goods = Number(cell("goods").dataset.minor);

  const sum = (price) => {
    cell("goods").textContent = money(goods);
    cell("delivery").textContent = price === null ? none : price === 0 ? free : money(price);
    cell("total").textContent = money(goods + (price ?? 0));
  };

  const send = async (fields) => {
    const answer = await fetch(`/${shop}/basket`, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(fields),
    });
    return answer.json();
  };

  for (const input of form.querySelectorAll(
    '[name^="count-"], [name="address"], [name="name"], [name="phone"], [name="email"]',
  )) {
    input.addEventListener("change", async () => {
      const { value_minor, parcels, place } = await send({ [input.name]: input.value });
      goods = value_minor;
      picker.setAttribute("parcels", JSON.stringify(parcels));
      picker.setAttribute("value-minor", String(value_minor));
      if (input.name === "address") {
        for (const name of ["lat", "lon"]) {
          if (name in place) picker.setAttribute(name, place[name]);
          else picker.removeAttribute(name);
        }
        picker.address = place.text;
      }
      sum((picker.choice ?? picker.hold)?.price_minor ?? null);
    });
  }

  for (const type of ["lastmile-hold", "lastmile-choice", "lastmile-change"]) {
    picker.addEventListener(type, (event) => {
      sum(event.detail.price_minor);
      // The shop keeps the session, so that a reload of its page finds the held time again.
      if (event.detail.reason === "session") send({ session: event.detail.session });
    });
  }

  // The shopper need not press "Confirm" before "Buy".
  form.addEventListener("submit", async (event) => {
    if (picker.value || !picker.hold) return;
    event.preventDefault();
    try {
      await picker.confirm();
      form.requestSubmit();
    } catch {
      picker.scrollIntoView({ block: "center" });
    }
  });
}
