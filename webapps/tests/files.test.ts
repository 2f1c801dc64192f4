// A file on its way: made small, announced, sent, looked at; stopped and tried again.
import { describe, expect, it, vi } from "vitest";
import { OFFLINE, Problem } from "../src/api/problem";
import type { Upload } from "../src/api/types";
import { prepare, scaled, typeOf, Unusable } from "../src/files/shrink";
import { type Progress, type Put, Transfer } from "../src/files/transfer";

const PHOTO = { mime_types: ["image/jpeg", "image/png"], max_bytes: 20 << 20 };
const VIDEO = { mime_types: ["video/mp4"], max_bytes: 100 };
const file = (name: string, type: string, size = 10) => new File([new Uint8Array(size)], name, { type });
const bitmap = (width: number, height: number) => async () => ({ width, height, close: () => {} }) as ImageBitmap;
const broken = async () => Promise.reject(new Error("no picture"));

const expected: Upload = {
  code: "u1",
  state: "expected",
  mime: "image/jpeg",
  size: 10,
  width: 0,
  height: 0,
  seconds: 0,
  put: { url: "https://store/u1", method: "PUT", headers: {}, expires_at: "" },
  url: null,
};
const ready: Upload = { ...expected, state: "ready", put: null, url: "https://store/u1" };

describe("a picture", () => {
  it("of a phone's size is made smaller, with the same shape", () => {
    expect(scaled(8000, 6000)).toEqual([2309, 1732]);
    expect(scaled(800, 600)).toEqual([800, 600]);
  });

  it("that is small enough goes as it is", async () => {
    const photo = file("a.jpg", "image/jpeg");
    expect(await prepare(photo, PHOTO, bitmap(100, 100))).toEqual({ blob: photo, mime: "image/jpeg" });
  });

  it("in HEIC that this browser cannot read is refused with words of its own", async () => {
    await expect(prepare(file("a.HEIC", ""), PHOTO, broken)).rejects.toMatchObject({ code: "heic_not_supported" });
  });

  it("that only is called one is left to the service, which looks at its bytes", async () => {
    const virus = file("a.png", "image/png");
    expect((await prepare(virus, PHOTO, broken)).blob).toBe(virus);
  });

  it("that cannot be read and is too large is refused here", async () => {
    const large = file("a.png", "image/png", 30);
    await expect(prepare(large, { ...PHOTO, max_bytes: 20 }, broken)).rejects.toMatchObject({
      code: "image_too_large",
    });
  });

  it.each([
    ["a.exe", "application/x-msdownload", 10, "kind_not_supported"],
    ["a.svg", "image/svg+xml", 10, "kind_not_supported"],
    ["a.jpg", "image/jpeg", 0, "empty_file"],
  ])("%s of type %s is refused", async (name, type, size, code) => {
    await expect(prepare(file(name, type, size), PHOTO, broken)).rejects.toMatchObject({ code });
  });
});

describe("a video", () => {
  it("of another kind or size is refused before it is sent", async () => {
    await expect(prepare(file("a.avi", "video/avi"), VIDEO)).rejects.toMatchObject({ code: "kind_not_supported" });
    await expect(prepare(file("a.mp4", "video/mp4", 101), VIDEO)).rejects.toMatchObject({ code: "video_too_large" });
    expect((await prepare(file("a.mp4", "video/mp4"), VIDEO)).mime).toBe("video/mp4");
  });

  it("is known by its name where the phone tells no type", () => {
    expect(typeOf({ name: "clip.MOV", type: "" })).toBe("video/quicktime");
    expect(typeOf({ name: "noname", type: "" })).toBe("");
  });
});

function set({ put = (async () => {}) as Put, complete = async () => ready, announce = async () => expected } = {}) {
  const seen: Progress[] = [];
  const keys: string[] = [];
  const service = {
    announce: vi.fn(async (_: unknown, key: string) => {
      keys.push(key);
      return announce();
    }),
    complete: vi.fn(complete),
  };
  const prepared = async () => ({ blob: new Blob(["x"]), mime: "image/jpeg" });
  const transfer = new Transfer(file("a.jpg", "image/jpeg"), PHOTO, service, (p) => seen.push(p), put, prepared);
  return { transfer, seen, service, keys };
}

describe("a transfer", () => {
  it("is prepared, sent with its share, checked and ready", async () => {
    const { transfer, seen } = set({
      put: async (_, __, sent) => {
        sent(0.5);
      },
    });
    await transfer.run();
    expect(seen.map(({ state, share }) => `${state} ${share}`)).toEqual([
      "preparing 0",
      "sending 0",
      "sending 0.5",
      "checking 1",
      "ready 1",
    ]);
    expect(seen.at(-1)?.upload).toEqual(ready);
  });

  it("that broke off is tried again under the same key", async () => {
    let tries = 0;
    const { transfer, seen, keys } = set({
      put: async () => {
        if (++tries === 1) throw new Problem(OFFLINE);
      },
    });
    await transfer.run();
    expect(seen.at(-1)).toMatchObject({ state: "failed", problem: { code: OFFLINE } });
    await transfer.run();
    expect(seen.at(-1)?.state).toBe("ready");
    expect(keys[1]).toBe(keys[0]);
  });

  it("that the service refused is announced anew", async () => {
    const answers = [() => Promise.reject(new Problem("not_an_image", 422)), async () => ready];
    const { transfer, keys, seen } = set({ complete: () => (answers.shift() ?? (async () => ready))() });
    await transfer.run();
    expect(seen.at(-1)).toMatchObject({ state: "failed", problem: { code: "not_an_image" } });
    await transfer.run();
    expect(keys[1]).not.toBe(keys[0]);
    expect(seen.at(-1)?.state).toBe("ready");
  });

  it("that is stopped while sending says nothing more and is not completed", async () => {
    const { transfer, seen, service } = set({
      put: (_, __, ___, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
          queueMicrotask(() => transfer.stop());
        }),
    });
    await transfer.run();
    expect(seen.at(-1)?.state).toBe("sending");
    expect(service.complete).not.toHaveBeenCalled();
  });

  it("that had arrived before is not sent again", async () => {
    const put = vi.fn<Put>();
    const { transfer, seen, service } = set({ announce: async () => ready, put });
    await transfer.run();
    expect(put).not.toHaveBeenCalled();
    expect(service.complete).not.toHaveBeenCalled();
    expect(seen.at(-1)?.state).toBe("ready");
  });

  it("of something unusable says what it is", async () => {
    const seen: Progress[] = [];
    const refuse = async () => Promise.reject(new Unusable("heic_not_supported"));
    const { service } = set();
    await new Transfer(file("a.heic", "image/heic"), PHOTO, service, (p) => seen.push(p), undefined, refuse).run();
    expect(seen.at(-1)).toMatchObject({ state: "failed", problem: { code: "heic_not_supported" } });
    expect(service.announce).not.toHaveBeenCalled();
  });
});
