BEGIN TRANSACTION;
CREATE TABLE control_audit (
	seq INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	actor TEXT NOT NULL, 
	action TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	"before" TEXT, 
	"after" TEXT, 
	note TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "control_audit" VALUES(1,1795718516295293,'me','put','rule','r1',NULL,'{"boost": 2}','');
CREATE TABLE control_documents (
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	body TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	change_seq BIGINT NOT NULL, 
	deleted BOOLEAN NOT NULL, 
	updated_at BIGINT NOT NULL, 
	updated_by TEXT NOT NULL, 
	PRIMARY KEY (kind, name)
);
INSERT INTO "control_documents" VALUES('rule','r1','{"boost": 2}',1,1,0,1795718516295293,'me');
CREATE TABLE counters (
	name TEXT NOT NULL, 
	value BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "counters" VALUES('schema',1);
INSERT INTO "counters" VALUES('items',3);
INSERT INTO "counters" VALUES('events',12);
INSERT INTO "counters" VALUES('controls',1);
CREATE TABLE events (
	seq INTEGER NOT NULL, 
	event_id TEXT NOT NULL, 
	user_key TEXT NOT NULL, 
	user_id TEXT, 
	visitor_id TEXT, 
	session_id TEXT, 
	item_id TEXT NOT NULL, 
	event_type TEXT NOT NULL, 
	value FLOAT, 
	review_text TEXT, 
	recommendation_id TEXT, 
	position INTEGER, 
	occurred_at BIGINT NOT NULL, 
	received_at BIGINT NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (event_id)
);
INSERT INTO "events" VALUES(1,'e-5eb521636369','visitor:v1',NULL,'v1',NULL,'item-00155','dismiss',NULL,NULL,'781f9c58d6645fa9',7,1774605862000000,1774605863000000);
INSERT INTO "events" VALUES(2,'e-8cb4d6225675','user:u1','u1',NULL,'s325','item-00038','review',NULL,'schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 schön 😀 ',NULL,2,1774592208000000,1774592209000000);
INSERT INTO "events" VALUES(3,'e-c7b34d1fe09f','user:u1','u1',NULL,'s368','item-00099','dismiss',NULL,NULL,NULL,NULL,1772502670000000,1772502671000000);
INSERT INTO "events" VALUES(4,'e-ef82f6ced90a','user:u3','u3','v3','s253','item-00055','dismiss',NULL,NULL,'6fa84dcaac0ae4e2',NULL,1774188075000000,1774188076000000);
INSERT INTO "events" VALUES(5,'e-62c8d55ec1a5','user:u2','u2',NULL,'s118','item-00086','rating',0.0,NULL,NULL,8,1774450731000000,1774450732000000);
INSERT INTO "events" VALUES(6,'e-926be79a27e6','user:u1','u1',NULL,'s425','item-00146','purchase',NULL,NULL,'103ef3c21fdaf625',NULL,1774595531000000,1774595532000000);
INSERT INTO "events" VALUES(7,'e-110dccf3d0b3','user:u3','u3','v3','s393','item-00106','view',NULL,NULL,NULL,19,1773766376000000,1773766377000000);
INSERT INTO "events" VALUES(8,'e-8d0454b9693c','user:u0','u0',NULL,NULL,'item-00009','rating',2.5,NULL,'998a0e311badb4f5',NULL,1774782635000000,1774782636000000);
INSERT INTO "events" VALUES(9,'e-436c9c4792da','user:u1','u1','v1',NULL,'item-00080','rating',2.5,NULL,NULL,NULL,1773546311000000,1773546312000000);
INSERT INTO "events" VALUES(10,'e-8523deb135fa','user:u3','u3',NULL,NULL,'item-00026','rating',0.0,NULL,NULL,NULL,1774254297000000,1774254298000000);
INSERT INTO "events" VALUES(11,'e-4d14efba436b','user:u2','u2','v2','s173','item-00002','rating',2.5,NULL,NULL,NULL,1773319916000000,1773319917000000);
INSERT INTO "events" VALUES(12,'e-221da1d6956c','user:u3','u3',NULL,'s347','item-00090','dismiss',NULL,NULL,NULL,15,1774794497000000,1774794498000000);
CREATE TABLE items (
	item_id TEXT NOT NULL, 
	title TEXT NOT NULL, 
	description TEXT, 
	category TEXT, 
	brand TEXT, 
	price_minor BIGINT, 
	currency TEXT, 
	image_url TEXT, 
	available BOOLEAN NOT NULL, 
	attributes TEXT, 
	created_at BIGINT, 
	updated_at BIGINT, 
	content_hash TEXT NOT NULL, 
	change_seq BIGINT NOT NULL, 
	deleted BOOLEAN NOT NULL, 
	PRIMARY KEY (item_id)
);
INSERT INTO "items" VALUES('a','Tent',NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,NULL,'6b7332a1a8b18d9748c4a23fceb91207',1,0);
INSERT INTO "items" VALUES('b','Lamp é',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,'8af545641625b3b7d0859e81d12113bc',3,1);
CREATE TABLE loop_leases (
	name TEXT NOT NULL, 
	holder TEXT, 
	token BIGINT NOT NULL, 
	beat BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE loop_requests (
	number INTEGER NOT NULL, 
	kind TEXT, 
	asked_at_us BIGINT NOT NULL, 
	answered BOOLEAN NOT NULL, 
	answer TEXT NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE loop_runs (
	number INTEGER NOT NULL, 
	run_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	"trigger" TEXT NOT NULL, 
	state TEXT NOT NULL, 
	reasons TEXT NOT NULL, 
	inputs TEXT NOT NULL, 
	result TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	started_at_us BIGINT NOT NULL, 
	ended_at_us BIGINT, 
	ended_s FLOAT, 
	retry_at_s FLOAT, 
	events_seq BIGINT NOT NULL, 
	catalog_seq BIGINT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (run_id)
);
CREATE TABLE loop_state (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "loop_state" VALUES('paused','true');
CREATE TABLE staged_items (
	run_id TEXT NOT NULL, 
	item_id TEXT NOT NULL, 
	title TEXT NOT NULL, 
	description TEXT, 
	category TEXT, 
	brand TEXT, 
	price_minor BIGINT, 
	currency TEXT, 
	image_url TEXT, 
	available BOOLEAN NOT NULL, 
	attributes TEXT, 
	created_at BIGINT, 
	updated_at BIGINT, 
	content_hash TEXT NOT NULL, 
	PRIMARY KEY (run_id, item_id)
);
CREATE TABLE visitor_owners (
	visitor_key TEXT NOT NULL, 
	user_key TEXT NOT NULL, 
	PRIMARY KEY (visitor_key)
);
INSERT INTO "visitor_owners" VALUES('visitor:v2','user:u2');
INSERT INTO "visitor_owners" VALUES('visitor:v1','user:u1');
INSERT INTO "visitor_owners" VALUES('visitor:v3','user:u3');
CREATE INDEX ix_items_change_seq ON items (change_seq);
CREATE INDEX events_by_user ON events (user_key, seq);
CREATE INDEX ix_visitor_owners_user_key ON visitor_owners (user_key);
CREATE INDEX ix_control_documents_change_seq ON control_documents (change_seq);
CREATE INDEX loop_runs_by_kind ON loop_runs (kind, number);
COMMIT;
