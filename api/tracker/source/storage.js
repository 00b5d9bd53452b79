// What outlives a page: in localStorage, or in the memory of this page where that is forbidden or full.

const memory = {};

// What `work` returns, or undefined where it throws: nothing of ours may throw into the page.
export const attempt = (work) => {
  try {
    return work();
  } catch (_) {}
};

export const read = (name) => memory[name] || attempt(() => localStorage[name]);

export const write = (name, value) => {
  memory[name] = value;
  attempt(() => {
    localStorage[name] = value;
    delete memory[name];
  });
};

export const remove = (name) => {
  delete memory[name];
  attempt(() => delete localStorage[name]);
};

// The names that begin so, sorted.
export const namesOf = (prefix) =>
  Object.keys(memory)
    .concat(attempt(() => Object.keys(localStorage)) || [])
    .filter((name) => name.startsWith(prefix))
    .sort();
