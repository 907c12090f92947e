BEGIN TRANSACTION;
CREATE TABLE answers (
	seq INTEGER NOT NULL, 
	recommendation_id TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	unit TEXT NOT NULL, 
	scenario TEXT NOT NULL, 
	index_version TEXT NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (recommendation_id)
);
INSERT INTO "answers" VALUES(1,'r',1,'user:u1','default','v','{}');
CREATE TABLE replicas (
	replica_id TEXT NOT NULL, 
	beat BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (replica_id)
);
CREATE INDEX answers_by_unit ON answers (unit);
CREATE INDEX answers_by_time ON answers (at);
COMMIT;
