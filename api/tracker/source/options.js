// What load() was told. Names and defaults: docs/tracker.md.

export const options = {};

// Data attributes are text: "false" is not true.
export const setOptions = (given) => {
  for (const name in given) options[name] = given[name] === "false" ? false : given[name];
};
