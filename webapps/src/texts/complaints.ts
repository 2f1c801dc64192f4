// What keeps a form from being ordered, in words: the first thing only, as one thing can be done at a time.
import type { Language } from "../api/types";
import type { Form } from "../form/form.svelte";
import type { Complaint } from "../form/slots";
import { labelOf, nameOf } from "../form/widgets";
import type { Texts } from "./texts";

export function firstComplaint(form: Form, t: Texts, language: Language): string {
  if (form.needsPrompt && !form.prompt.trim()) return t.complaint.prompt;
  if (form.isTooLong) return t.complaint.promptTooLong(form.length - form.model.max_prompt_length);
  if (form.isUploading) return t.complaint.uploading;
  if (form.hasFailedFiles) return t.complaint.failed;
  const complaint = form.complaints[0];
  return complaint ? wordsOf(complaint, form, t, language) : "";
}

function wordsOf(complaint: Complaint, form: Form, t: Texts, language: Language): string {
  const name = (role: string) => form.model.inputs.find((slot) => slot.role === role)?.label ?? role;
  switch (complaint.kind) {
    case "missing":
      return t.complaint.missing(name(complaint.role));
    case "needs":
      return t.complaint.needs(name(complaint.role), name(complaint.other));
    case "excludes":
      return t.complaint.excludes(name(complaint.role), name(complaint.other));
    case "too_many":
      return t.complaint.tooMany(name(complaint.role), complaint.most);
    case "too_many_images":
      return t.complaint.tooManyImages(complaint.most);
    case "requires": {
      const option = form.model.params.properties?.[complaint.option] ?? {};
      const values = complaint.values.map((value) => nameOf(option, value, language)).join(", ");
      return t.complaint.requires(name(complaint.role), labelOf(complaint.option, option, language), values);
    }
  }
}
