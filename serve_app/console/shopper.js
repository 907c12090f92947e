// Who a view asks about: somebody signed in, or a visitor, as whom the shop's event tag knows most people.

import { choice, field } from "./pages.js";

const VISITOR = "visitor";
const KINDS = [
  ["", "signed in (user_id)"],
  [VISITOR, "a visitor (visitor_id)"],
];

/** The field for an id, and beside it the choice of what the id is. */
export function shopperFields(label, { user, kind }) {
  return [field("user", label, user), choice("kind", "Known as", kind, KINDS)];
}

/** Who is asked about, as the bodies of requests name them; nobody where the id is empty. */
export function named({ user, kind }) {
  if (!user) return {};
  return kind === VISITOR ? { visitor_id: user } : { user_id: user };
}

/** What is believed about them, or null where nothing is. */
export async function believed(desk, { user, kind }, signal) {
  if (!user) return null;
  const asked = kind === VISITOR ? `?kind=${VISITOR}` : "";
  return desk.api.get(`v1/users/${encodeURIComponent(user)}/profile${asked}`, { signal }).catch((error) => {
    if (error.status === 404) return null;
    throw error;
  });
}
