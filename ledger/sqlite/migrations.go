package sqlite

// migrations make the schema, forward only: a released one is never changed, only followed.
// Every blob is sealed, a keyed hash, or a public part of the log.
var migrations = []string{`
CREATE TABLE head (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	size INTEGER NOT NULL, sequence INTEGER NOT NULL, now INTEGER NOT NULL,
	indexed INTEGER NOT NULL, signed BLOB NOT NULL
) STRICT;
INSERT INTO head VALUES (1, 0, 0, 0, 0, x'');
CREATE TABLE entries (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE identities (tag BLOB PRIMARY KEY, idx INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE segments (until INTEGER PRIMARY KEY) STRICT;
CREATE TABLE refs (
	until INTEGER NOT NULL, tag BLOB NOT NULL, indexes BLOB NOT NULL, PRIMARY KEY (until, tag)
) STRICT, WITHOUT ROWID;
CREATE TABLE slots (id INTEGER PRIMARY KEY, tag BLOB NOT NULL UNIQUE, open INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX slots_open ON slots (id) WHERE open = 1;
CREATE TABLE members (list BLOB NOT NULL, tag BLOB NOT NULL, PRIMARY KEY (list, tag)) STRICT, WITHOUT ROWID;
CREATE TABLE tiles (level INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (level, n)) STRICT;
CREATE TABLE quarantine (
	id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE TABLE cosigned (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, note BLOB NOT NULL) STRICT;
INSERT INTO cosigned VALUES (1, 0, x'');
CREATE TABLE subjects (tag BLOB PRIMARY KEY, key BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE private (
	idx INTEGER NOT NULL, number INTEGER NOT NULL, subject BLOB NOT NULL, digest BLOB NOT NULL, body BLOB NOT NULL,
	UNIQUE (idx, number)
) STRICT;
CREATE INDEX private_subject ON private (subject);
CREATE INDEX private_digest ON private (digest);
`}
