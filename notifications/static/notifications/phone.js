/* Keeps the newest message of an inbox in view: when it opens, and when a new message comes while the reader is at
   the end. A reader who has scrolled up stays there. */
const places = new Map();
const NEAR = 80;

export function mount(body) {
  const key = location.pathname;
  const place = places.get(key);
  body.scrollTop = place === undefined || place.atEnd ? body.scrollHeight : place.top;
  return () => {
    const left = body.scrollHeight - body.scrollTop - body.clientHeight;
    places.set(key, { atEnd: left < NEAR, top: body.scrollTop });
  };
}
