// What load() was told. Names and defaults: docs/how-to/tracker.md.

export const options = { flushAt: 20, flushInterval: 50, queueSize: 1000, pages: true, respectDnt: true };

// Data attributes are text: "false" is not true.
export const setOptions = (given) => {
  for (const name in given) options[name] = given[name] === "false" ? false : given[name];
};
