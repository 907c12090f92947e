/** What a shopper did; further types are allowed where the shop has configured them. */
export type EventType =
  | "impression"
  | "view"
  | "click"
  | "add_to_cart"
  | "remove_from_cart"
  | "purchase"
  | "rating"
  | "review"
  | "like"
  | "dismiss"
  | "return"
  | (string & {});

export interface TagOptions {
  /** Address of the service, such as `https://recommender.example`. */
  endpoint: string;
  /** A key with the scope `events:write`; it can be read by whoever reads the page. */
  key?: string;
  /** The signed-in shopper. */
  userId?: string | null;
  /** The visitor; kept in localStorage by the tag itself when absent. `null`: none, with a `userId` only. */
  visitorId?: string | null;
}

export interface EventDetails {
  /** Of the answer that showed the item. */
  recommendationId?: string;
  /** Place in that answer, from 1. */
  position?: number;
  /** Stars of a rating, quantity or amount of a purchase. */
  value?: number;
  reviewText?: string;
}

/** What the service has acknowledged; `rejected` rows are refused for good. */
export interface EventsAck {
  appended: number;
  duplicates: number;
  unknown_items: number;
  rejected: { row: number; reason: string; detail: string }[];
}

export interface TagEvents {
  /** An event was noted, or a batch could not be sent. */
  waiting: CustomEvent<{ waiting: number }>;
  /** A batch is durable. */
  sent: CustomEvent<{ answer: EventsAck; events: object[]; waiting: number }>;
  /** The service will never take these events. */
  refused: CustomEvent<{ answer: object; events: object[]; waiting: number }>;
}

export interface Tag extends EventTarget {
  key: string | undefined;
  readonly waiting: number;
  track(eventType: EventType, itemId: string, details?: EventDetails): string;
  identify(userId: string | null): void;
  observe(element: Element, itemId: string, details?: EventDetails): () => void;
  flush(): Promise<boolean>;
  close(): void;
  addEventListener<K extends keyof TagEvents>(type: K, listener: (event: TagEvents[K]) => void): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject): void;
}

export function createTag(options: TagOptions): Tag;
