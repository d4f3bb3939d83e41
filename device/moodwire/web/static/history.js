// Choosing shows at once; forgetting asks first.
document.querySelector("#choose select")?.addEventListener("change", (event) => event.target.form.submit());
document.querySelector(".forget")?.addEventListener("submit", (event) => {
  const what = event.target.elements.what.selectedOptions[0].textContent;
  if (!confirm(`Forget ${what}? It cannot be brought back.`)) event.preventDefault();
});
