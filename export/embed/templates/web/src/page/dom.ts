/** Parts of the page by their ids. */

/** The element of an id, of the kind that it has to be. */
export function part<T extends Element>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`The page has no ${kind.name} with the id ${id}.`);
  return element;
}

/** Write words into an element of the page, and show it; without words it is hidden. */
export function say(id: string, words: string): void {
  const element = part(id, HTMLElement);
  if (element.textContent !== words) element.textContent = words;
  element.hidden = !words;
}
