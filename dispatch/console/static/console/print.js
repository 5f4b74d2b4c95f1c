/* The print button of the manifest and of the picking waves. */
document.querySelectorAll("[data-print]").forEach((button) => button.addEventListener("click", () => window.print()));
