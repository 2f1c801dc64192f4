// Starts the app: the questions to the service first, then what is seen.
import { mount } from "svelte";
import "./app.css";
import App from "./App.svelte";
import { app } from "./state/app.svelte";
import { entryOf } from "./state/entry";
import { isInside, launch, start } from "./telegram/client.svelte";
import { speak, speech } from "./texts/index.svelte";

const target = document.getElementById("app");
if (isInside) void app.begin(entryOf(location.pathname, location.search, launch.startParam));
start();
speak(speech.language);
if (target) {
  target.replaceChildren();
  mount(App, { target });
}

// The other pages are fetched once the first one is there, so that they open at once.
setTimeout(() => {
  void Promise.all([
    import("./pages/Generation.svelte"),
    import("./pages/History.svelte"),
    import("./pages/TopUp.svelte"),
  ]);
}, 3000);
