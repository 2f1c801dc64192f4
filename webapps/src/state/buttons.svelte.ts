// The big buttons of a page: the client's own where it has them, ours where it has none.
import { type Button, hasMainButton, hasSecondButton, setMainButton, setSecondButton } from "../telegram/client.svelte";

class Buttons {
  main = $state.raw<Button | null>(null);
  second = $state.raw<Button | null>(null);
}

/** Buttons that the page itself has to show. */
export const shown = new Buttons();

/** Have a page's buttons follow its state, and be gone with it. Called while a component is made. */
export function useButtons(of: () => { main?: Button | null; second?: Button | null }): void {
  $effect(() => {
    const { main = null, second = null } = of();
    if (hasMainButton) setMainButton(main);
    else shown.main = main;
    if (hasSecondButton) setSecondButton(second);
    else shown.second = second;
  });
  $effect(() => () => {
    setMainButton(null);
    setSecondButton(null);
    shown.main = shown.second = null;
  });
}
