/* The counter: a sound for what was done, Escape for the next scan, and the scanner's field keeps the focus. */
const SOUNDS = { ok: [880, 1320], risk: [440, 440], failed: [220, 165] };
const NOTE_S = 0.12;

function play(tone) {
  const notes = SOUNDS[tone];
  const Sound = window.AudioContext ?? window.webkitAudioContext;
  if (!notes || !Sound) return;
  const sound = new Sound();
  notes.forEach((hertz, n) => {
    const voice = sound.createOscillator();
    const volume = sound.createGain();
    volume.gain.value = 0.15;
    voice.frequency.value = hertz;
    voice.connect(volume).connect(sound.destination);
    voice.start(sound.currentTime + n * NOTE_S);
    voice.stop(sound.currentTime + (n + 1) * NOTE_S);
  });
}

export function mount(el) {
  const stop = new AbortController();
  const field = el.querySelector("[autofocus]");
  field?.focus();
  play(el.dataset.sound);
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Escape") {
        const cancel = el.querySelector("[data-cancel]");
        if (cancel) location.href = cancel.href;
        else field?.focus();
      } else if (document.activeElement === document.body && event.key.length === 1) {
        field?.focus(); // a scanner types as a keyboard does
      }
    },
    { signal: stop.signal },
  );
  return () => stop.abort();
}
