// Shows the values under the pointer (or under the cursor that the arrow keys move) in charts and heat
// maps. The page is complete without it.
'use strict';
(() => {
  const numbers = (text) => text.trim().split(/\s+/).filter(Boolean).map(Number);
  const show = (v) => Math.abs(v) >= 1000 ? Math.round(v).toLocaleString('en') : String(Number(v.toPrecision(4)));

  // The line's height at x, on a straight line between its points; undefined outside of it.
  function at(line, x) {
    const {x: xs, y: ys} = line;
    if (!xs.length || x < xs[0] || x > xs[xs.length - 1]) return undefined;
    const i = xs.findIndex((v) => v >= x);
    if (i === 0 || xs[i] === x) return ys[i];
    return ys[i - 1] + (ys[i] - ys[i - 1]) * (x - xs[i - 1]) / (xs[i] - xs[i - 1]);
  }

  function tipOf(figure) {
    let tip = figure.querySelector('.tip');
    if (!tip) {
      tip = document.createElement('div');
      tip.className = 'tip';
      tip.setAttribute('role', 'status');
      figure.append(tip);
    }
    return tip;
  }

  // Beside the pointer, and inside of the figure.
  function place(tip, figure, clientX, clientY) {
    const box = figure.getBoundingClientRect();
    const x = clientX - box.left, y = clientY - box.top;
    tip.hidden = false;
    tip.style.left = (x + tip.offsetWidth + 24 > box.width ? Math.max(0, x - tip.offsetWidth - 14) : x + 14) + 'px';
    tip.style.top = Math.max(0, Math.min(y - 10, box.height - tip.offsetHeight)) + 'px';
  }

  function row(cells) {
    const tr = document.createElement('tr');
    cells.forEach((cell, i) => {
      const td = document.createElement(i ? 'td' : 'th');
      if (cell instanceof Node) td.append(cell); else td.textContent = cell;
      td.className = i ? '' : 'left';
      tr.append(td);
    });
    return tr;
  }

  for (const svg of document.querySelectorAll('svg.chart')) {
    const figure = svg.closest('figure');
    const [low, high, from, to, scale] = svg.dataset.xAxis.split(' ').map((v, i) => i < 4 ? Number(v) : v);
    const [yLow, yHigh, yFrom, yTo] = numbers(svg.dataset.yAxis);
    const log = scale === 'log';
    const lines = [...svg.querySelectorAll('path.line')].map((path) => (
        {label: path.dataset.label, colour: getComputedStyle(path).stroke, x: numbers(path.dataset.x), y: numbers(path.dataset.y)}));
    const cursor = svg.querySelector('.cursor');
    let share = 0;

    function hide() {
      tipOf(figure).hidden = true;
      cursor.setAttribute('hidden', '');
    }
    function move(clientY) {
      share = Math.min(1, Math.max(0, share));
      const x = log ? low * Math.pow(high / low, share) : low + share * (high - low);
      const px = from + share * (to - from);
      for (const [name, v] of [['x1', px], ['x2', px], ['y1', yFrom], ['y2', yTo]]) cursor.setAttribute(name, v);
      cursor.removeAttribute('hidden');
      const table = document.createElement('table');
      table.append(row([svg.dataset.xName, show(x)]));
      const found = lines.map((line) => ({line, y: at(line, x)})).filter(({y}) => y !== undefined);
      found.sort((a, b) => b.y - a.y);
      for (const {line, y} of found) {
        const name = document.createElement('span');
        name.textContent = '■ ';
        name.style.color = line.colour;
        const cell = document.createElement('span');
        cell.append(name, line.label);
        table.append(row([cell, show(y)]));
      }
      const tip = tipOf(figure);
      tip.replaceChildren(table);
      const box = svg.getBoundingClientRect();
      place(tip, figure, box.left + px / svg.viewBox.baseVal.width * box.width, clientY ?? box.top + box.height / 3);
    }
    svg.addEventListener('pointermove', (event) => {
      const box = svg.getBoundingClientRect();
      const px = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
      if (px < from || px > to) return hide();
      share = (px - from) / (to - from);
      move(event.clientY);
    });
    svg.addEventListener('pointerleave', hide);
    svg.addEventListener('blur', hide);
    svg.addEventListener('keydown', (event) => {
      const step = {ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1}[event.key];
      if (event.key === 'Escape') return hide();
      if (!step) return;
      event.preventDefault();
      share += step;
      move();
    });
  }

  const nodes = document.getElementById('nodes');
  const names = nodes ? JSON.parse(nodes.textContent) : [];
  for (const svg of document.querySelectorAll('.maps svg')) {
    const figure = svg.closest('figure');
    const columns = Number(svg.dataset.columns);
    svg.addEventListener('pointermove', (event) => {
      const box = svg.getBoundingClientRect();
      const column = Math.floor((event.clientX - box.left) / box.width * columns);
      const line = Math.floor((event.clientY - box.top) / box.height * svg.viewBox.baseVal.height);
      const i = line * columns + column;
      const tip = tipOf(figure);
      if (column < 0 || column >= columns || i < 0 || i >= names.length) return void (tip.hidden = true);
      const value = svg.dataset.values.substr(2 * i, 2);
      tip.textContent = names[i] + ': ' + (value === '--' ? 'has none' : parseInt(value, 16) + ' %');
      place(tip, figure, event.clientX, event.clientY);
    });
    svg.addEventListener('pointerleave', () => { tipOf(figure).hidden = true; });
  }
})();
