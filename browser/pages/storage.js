// Where JupyterLite keeps what a visitor typed: an IndexedDB for this site.
const ROOT = new URL(".", import.meta.url).pathname;
const STORES = ["files", "checkpoints"];

// Throw away the visitor's copy of a file; the original is shown from then on.
export async function forget(path) {
  const databases = await indexedDB.databases();
  for (const { name } of databases) {
    if (name?.startsWith("JupyterLite Storage") && name.endsWith(ROOT)) {
      await forgetIn(name, path);
    }
  }
}

async function forgetIn(name, path) {
  const database = await finished(indexedDB.open(name));
  try {
    const stores = STORES.filter((each) => database.objectStoreNames.contains(each));
    if (stores.length) {
      const change = database.transaction(stores, "readwrite");
      stores.forEach((each) => change.objectStore(each).delete(path));
      await new Promise((resolve, reject) => {
        change.oncomplete = resolve;
        change.onerror = change.onabort = () => reject(change.error);
      });
    }
  } finally {
    database.close();
  }
}

function finished(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another tab uses it"));
  });
}
