// The ids of elements. An id belongs to one element for as long as the document lives; when a script of the page
// replaces an element by one of the same kind, name and place (as frameworks do when they render anew), the new one
// takes the id over, so that what a reader of an earlier observation remembers stays true.

noctule.byId ??= new Map(); // id -> WeakRef of its element
noctule.idOf ??= new WeakMap(); // element -> id
noctule.signatures ??= new Map(); // id -> what its element looked like when it was last seen
noctule.clickable ??= new WeakSet(); // elements that listen for pointers, as the browser told us
noctule.closedRoots ??= new WeakMap(); // host -> its closed shadow root, as the browser told us
noctule.rootless ??= new WeakSet(); // hosts that were asked about and have none
noctule.trees ??= [document];
noctule.heard ??= new WeakSet(); // trees whose listeners the browser has told
noctule.counters ??= {}; // the last number given per letter

// Elements of frames are made by other realms, so that `instanceof` says nothing about them.
noctule.markClickable = (...nodes) => {
  for (const node of nodes) if (noctule.dom.typeOf(node) === Node.ELEMENT_NODE) noctule.clickable.add(node);
};

noctule.keepCounters = (counters) => { noctule.counters = counters; };

// Nodes that the browser is asked about. The last walk's trees are the document, the shadow roots in it, and the
// documents of frames that can be read.
noctule.treeCount = () => noctule.trees.length;
noctule.treeAt = (index) => {
  const tree = index ? noctule.trees[index] : document;
  noctule.heard.add(tree);
  return tree;
};

// Hosts of closed shadow roots cannot be told by a script; walks suspect some, and the browser knows.
noctule.rootOf = (element) => noctule.dom.shadowOf(element) ?? noctule.closedRoots.get(element);
noctule.mayHost = (element) => !noctule.rootOf(element) && !noctule.rootless.has(element);
noctule.suspectAt = (index) => noctule.suspects[index];
noctule.haveNoRoots = (indexes) => { for (const index of indexes) noctule.rootless.add(noctule.suspects[index]); };

noctule.giveRoot = (host, root) => { noctule.closedRoots.set(host, root); };

// Which hole of the last walk a frame's element is; -1 if it was out of sight.
noctule.holeOf = (element) => noctule.holes.indexOf(element);

noctule.Registry = class {
  // `counters` has the last number given per letter; frames of one tab share them.
  constructor(counters) {
    this.counters = counters;
    this.isFirst = noctule.byId.size === 0;
    this.vacant = new Map();
    for (const [id, reference] of noctule.byId) {
      if (reference.deref()?.isConnected) continue;
      const signature = noctule.signatures.get(id);
      if (!this.vacant.has(signature)) this.vacant.set(signature, id);
    }
  }

  // Answers the id, and whether nobody has seen this element before.
  idFor(element, letter, signature) {
    const known = noctule.idOf.get(element);
    if (known !== undefined && known[0] === letter && noctule.byId.get(known)?.deref() === element) {
      noctule.signatures.set(known, signature);
      return [known, false];
    }
    const vacant = this.vacant.size ? this.vacant.get(signature) : undefined;
    this.vacant.delete(signature);
    const id = vacant ?? letter + (this.counters[letter] = (this.counters[letter] ?? 0) + 1);
    noctule.byId.set(id, new WeakRef(element));
    noctule.idOf.set(element, id);
    noctule.signatures.set(id, signature);
    return [id, vacant === undefined && !this.isFirst];
  }
};
