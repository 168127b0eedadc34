// Says that Python is starting, until it has; and the button that starts a chapter afresh.
const note = document.createElement("div");
note.id = "lifespan-starting";
note.setAttribute("role", "status");
note.style.cssText =
  "position:fixed;z-index:2000;left:50%;bottom:2.2rem;transform:translateX(-50%);" +
  "max-width:90vw;padding:.55rem 1rem;border-radius:.4rem;background:#1f4f8b;color:#fff;" +
  "font:15px/1.4 system-ui,sans-serif;box-shadow:0 2px 8px #0006";
document.body.append(note);

// What was typed is kept when the tab is left, too, and not only every few seconds.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") {
    window.jupyterapp?.commands.execute("docmanager:save-all");
  }
});

const began = Date.now();
const timer = setInterval(look, 250);

function look() {
  const app = window.jupyterapp;
  const panel = app?.shell?.currentWidget;
  const session = panel?.context?.sessionContext?.session ?? panel?.sessionContext?.session;
  const seconds = Math.round((Date.now() - began) / 1000);
  if (app && !app.commands.hasCommand("lifespan:afresh")) {
    addCommand(app);
  }
  if (session?.kernel?.status === "idle" || session?.kernel?.status === "busy") {
    clearInterval(timer);
    note.textContent = "Python has started. Click on a cell and press Shift+Enter.";
    setTimeout(() => note.remove(), 4000);
  } else if (!panel) {
    note.textContent = `Step 1 of 2: the notebook is loading … ${seconds} s`;
  } else if (seconds < 60) {
    note.textContent =
      `Step 2 of 2: Python is starting … ${seconds} s. You can read on meanwhile.`;
  } else {
    note.textContent =
      `Python hasn't started after ${seconds} s. Load this page again; ` +
      "if that doesn't help, try another browser.";
  }
}

function addCommand(app) {
  app.commands.addCommand("lifespan:afresh", {
    label: "Start Afresh",
    caption: "Throw my changes to this chapter away and bring back the original",
    isEnabled: () => Boolean(chapter(app)),
    execute: () => {
      const name = chapter(app);
      if (name && confirm(`Throw your changes to ${name} away?`)) {
        // A dirty document would ask whether to leave, and then save itself.
        app.shell.currentWidget.context.model.dirty = false;
        app.shell.currentWidget.dispose();
        location.assign(new URL(`../afresh.html?chapter=${name}`, location.href));
      }
    },
  });
}

function chapter(app) {
  const path = app.shell.currentWidget?.context?.path ?? "";
  return path.startsWith("notebooks/") ? path.slice("notebooks/".length) : "";
}
