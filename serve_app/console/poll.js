// Asking again and again while somebody looks.

/**
 * Call `ask` after each pause until the signal ends it; not while the page is hidden.
 *
 * @param {() => Promise<void>} ask
 * @param {number} pauseMs
 * @param {AbortSignal} signal
 */
export function poll(ask, pauseMs, signal) {
  let timer = 0;
  const turn = async () => {
    if (!document.hidden) await ask();
    if (!signal.aborted) timer = setTimeout(turn, pauseMs);
  };
  timer = setTimeout(turn, pauseMs);
  signal.addEventListener("abort", () => clearTimeout(timer));
}
