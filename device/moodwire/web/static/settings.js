// Runs the self-test without leaving the page.
import { csrf, root } from "./common.js";

const button = document.getElementById("selftest");
const result = document.getElementById("selftest-result");
button.addEventListener("click", async () => {
  button.disabled = true;
  result.textContent = "Running …";
  try {
    const answer = await fetch(`${root}selftest`, { method: "POST", headers: { "X-CSRF": csrf } });
    const { ok, lines, problem } = await answer.json();
    result.textContent = problem ?? [ok ? "Everything is as it should be." : "Something is wrong.", ...lines].join("\n");
  } catch {
    result.textContent = "The device did not answer.";
  }
  button.disabled = false;
});
