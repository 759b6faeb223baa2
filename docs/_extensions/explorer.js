// Show the curves that belong to the sliders' positions. None of them is computed here.
const explorer = document.querySelector(".explorer");
const [alpha, width] = explorer.querySelectorAll("input");
const position = (slider) => Math.round((slider.value - slider.min) / slider.step);

function show() {
  const data = { x: shown.data.x };
  for (const [name, values] of Object.entries(table)) {
    const [, widths, length] = values.shape;
    const start = (position(alpha) * widths + position(width)) * length;
    data[name] = Array.prototype.slice.call(values, start, start + length);
  }
  shown.data = data;
  const numbers = {
    alpha: alpha.valueAsNumber.toFixed(1),
    width: width.valueAsNumber.toFixed(1),
    peak: Math.max(...data.slope).toFixed(2),
    area: Math.max(...data.integral).toFixed(3),
  };
  for (const output of explorer.querySelectorAll("output")) output.value = numbers[output.name];
  height.end = 1.1 * Math.max(1, ...data.slope, ...data.integral);
  support.left = -width.value;
  support.right = +width.value;
}

explorer.addEventListener("input", show);
explorer.addEventListener("submit", (event) => event.preventDefault()); // by the copy button
explorer.addEventListener("reset", () => setTimeout(show)); // once the sliders are back
explorer.hidden = false;
document.querySelector(".without-script").hidden = true; // the same as a picture
show();
