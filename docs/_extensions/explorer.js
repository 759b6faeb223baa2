// Show the curves that belong to the sliders' positions. None of them is computed here.
const explorer = document.querySelector(".explorer");
const [alpha, width] = explorer.querySelectorAll("input");
const position = (slider) => Math.round((slider.value - slider.min) / slider.step);

function show() {
  shown.data = table[position(alpha)][position(width)].data;
  const numbers = {
    alpha: alpha.valueAsNumber.toFixed(1),
    width: width.valueAsNumber.toFixed(1),
    peak: Math.max(...shown.data.slope).toFixed(2),
    area: Math.max(...shown.data.integral).toFixed(3),
  };
  for (const output of explorer.querySelectorAll("output")) output.value = numbers[output.name];
  for (const { plot, support, left, right } of panels) {
    plot.y_range.end = 1.35 * Math.max(1, ...shown.data[plot.name]);
    support.left = left.x = -width.value;
    support.right = right.x = +width.value;
    left.y = right.y = plot.y_range.end;
  }
}

explorer.addEventListener("input", show);
explorer.hidden = false;
explorer.previousElementSibling.querySelector("img").hidden = true; // the static figure
show();
