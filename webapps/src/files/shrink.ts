// Makes pictures small enough to travel: the service keeps four megapixels, so more need not go over a phone's line.

export const MOST_PIXELS = 4_000_000;
const LARGE = 2_500_000;
const KNOWN = new Set(["image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp"]);

/** What is sent in the place of a file. */
export interface Prepared {
  blob: Blob;
  mime: string;
}

/** Names of what cannot be sent, as the service would call it. */
export class Unusable extends Error {
  constructor(
    readonly code: "heic_not_supported" | "kind_not_supported" | "image_too_large" | "video_too_large" | "empty_file",
    readonly limit = 0,
  ) {
    super(code);
  }
}

/** Width and height that hold at most so many pixels. */
export function scaled(width: number, height: number, most = MOST_PIXELS): [number, number] {
  const share = Math.min(1, Math.sqrt(most / (width * height)));
  return [Math.max(1, Math.floor(width * share)), Math.max(1, Math.floor(height * share))];
}

/** The type of a file: some phones tell none for HEIC. */
export function typeOf(file: { type: string; name: string }): string {
  if (file.type) return file.type.toLowerCase();
  const ending = /\.(\w+)$/.exec(file.name)?.[1]?.toLowerCase() ?? "";
  const known: Record<string, string> = {
    heic: "image/heic",
    heif: "image/heif",
    mov: "video/quicktime",
    jpg: "image/jpeg",
  };
  return known[ending] ?? "";
}

type Decode = (file: Blob) => Promise<ImageBitmap>;

const decodeUpright: Decode = (file) => createImageBitmap(file, { imageOrientation: "from-image" });

/**
 * Return what to send for a file that somebody chose.
 *
 * @param limits types and bytes that the slot takes.
 * @throws Unusable it cannot be sent at all; what only looks wrong is left to the service.
 */
export async function prepare(
  file: File,
  limits: { mime_types: string[]; max_bytes: number },
  decode: Decode = decodeUpright,
): Promise<Prepared> {
  const mime = typeOf(file);
  if (file.size === 0) throw new Unusable("empty_file");
  const takesVideo = limits.mime_types.some((one) => one.startsWith("video/"));
  if (takesVideo) {
    if (!limits.mime_types.includes(mime)) throw new Unusable("kind_not_supported");
    if (file.size > limits.max_bytes) throw new Unusable("video_too_large", limits.max_bytes);
    return { blob: file, mime };
  }
  const isHeic = mime === "image/heic" || mime === "image/heif";
  if (!isHeic && !mime.startsWith("image/")) throw new Unusable("kind_not_supported");
  const bitmap = await decode(file).catch(() => null);
  if (bitmap === null) {
    if (isHeic) throw new Unusable("heic_not_supported");
    if (!limits.mime_types.includes(mime)) throw new Unusable("kind_not_supported");
    if (file.size > limits.max_bytes) throw new Unusable("image_too_large", limits.max_bytes);
    // The name may lie, or this browser may not know the format: the service looks at the bytes.
    return { blob: file, mime };
  }
  try {
    const isLarge = bitmap.width * bitmap.height > MOST_PIXELS || file.size > LARGE;
    if (KNOWN.has(mime) && limits.mime_types.includes(mime) && !isLarge) return { blob: file, mime };
    return await encoded(bitmap, mime === "image/png" || mime === "image/webp" ? mime : "image/jpeg");
  } finally {
    bitmap.close();
  }
}

async function encoded(bitmap: ImageBitmap, wanted: string): Promise<Prepared> {
  const [width, height] = scaled(bitmap.width, bitmap.height);
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, width, height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, wanted, 0.92));
  if (!blob?.size) throw new Unusable("kind_not_supported");
  return { blob, mime: blob.type };
}
