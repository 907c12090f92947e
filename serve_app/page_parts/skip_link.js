// The link that leads past a page's top.

/** The address holds the view, so the link moves the focus itself. */
export function followSkipLink() {
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    const target = document.querySelector("main h1") ?? document.getElementById("main");
    target.focus();
    target.scrollIntoView();
  });
}
