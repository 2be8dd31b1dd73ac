package ledger

import (
	"aval/domain"
)

// Head is the durable end of the log.
type Head struct {
	// Size is the number of leaves. Sequence and Now are those of the last batch.
	Size     uint64        `json:"size"`
	Sequence uint64        `json:"sequence"`
	Now      domain.Millis `json:"now"`
	// Indexed is how many leaves the tables of identities, references and slots reflect: a batch
	// ends there. The leaves after it are executed again when the ledger is opened.
	Indexed uint64 `json:"indexed"`
}

// StoredEntry is one leaf and the sealed body behind it.
type StoredEntry struct {
	Index uint64
	Leaf  []byte
	// Body is sealed; empty for a seal leaf, which has nothing to hide.
	Body []byte
}

// StoredID says at which index the submission of an identity, a keyed hash, was logged.
type StoredID struct {
	Tag   []byte
	Index uint64
}

// StoredRef says that the entry touches a party, record or account, named by a keyed hash.
type StoredRef struct {
	Tag   []byte
	Index uint64
}

// StoredSlot is one piece of state under the keyed hash of its name. A nil Body deletes it.
type StoredSlot struct {
	Tag, Body []byte
	// Open slots are loaded when the ledger is opened; closed ones are kept for readers.
	Open bool
	// Members are the keyed hashes of the lists that the slot belongs to.
	Members [][]byte
}

// StoredTile is one tile of the Merkle tree, complete (256 hashes) or partial.
type StoredTile struct {
	Level int
	N     uint64
	Data  []byte
}

// Commit is everything one batch changes on disk. IDs, Refs and Slots are what the leaves since
// the old Head.Indexed add to the tables, sorted by tag, when Head.Indexed moves; else none.
type Commit struct {
	Entries []StoredEntry
	IDs     []StoredID
	Refs    []StoredRef
	Slots   []StoredSlot
	Tiles   []StoredTile
	Private PrivateChange
	Head    Head
	// Checkpoint is the signed note over the head. It must not be shown before the commit is durable.
	Checkpoint []byte
}

// StoredSubject is the key of one private party, named by a keyed hash, sealed.
type StoredSubject struct {
	Tag, Key []byte
}

// StoredPrivate is one private value beside the log: item Number of entry Index.
type StoredPrivate struct {
	Index  uint64
	Number int
	// Subject and Digest are keyed hashes of what the item says.
	Subject, Digest []byte
	// Body is the disclosure, sealed under the subject's key.
	Body []byte
}

// PrivateChange is what one batch changes beside the log. Rows and keys are written first; then
// all that is kept of the erased subjects goes, and no copy of it may stay in any file.
type PrivateChange struct {
	Subjects []StoredSubject
	Rows     []StoredPrivate
	// Erased are the tags of subjects.
	Erased [][]byte
}

// PrivateQuery selects private values, in order of index and number: those under the tag of a
// digest, or those of the entries From to To, without To.
type PrivateQuery struct {
	Digest   []byte
	From, To uint64
}

// SlotQuery selects slots. Exactly one of Tag, Member, OpenOnly and All is set.
type SlotQuery struct {
	Tag      []byte
	Member   []byte
	OpenOnly bool
	All      bool
	// After and Limit page through the slots of a Member in order of their tag.
	After []byte
	Limit int
}

// Store keeps the log and the state. Everything that reaches it is sealed, a keyed hash or
// harmless. One writer, many readers; readers see whole commits.
type Store interface {
	// Append writes a commit in one transaction, durable on return. Commit.Head.Size must be
	// the old size plus the entries. After an error the caller must assume nothing and reopen.
	Append(c Commit) error
	// Quarantine durably keeps a sealed message that was not admitted. Beyond limit the oldest goes.
	Quarantine(at domain.Millis, reason string, sealed []byte, limit int) error
	// Close releases the store.
	Close() error
	Archive
}

// Archive is the reading side of a Store. Safe for concurrent use.
type Archive interface {
	// Head gives the end of the log and the checkpoint over it, empty before the first commit.
	Head() (head Head, checkpoint []byte, err error)
	// Entries visits stored entries from an index on, at most limit. While more than one are
	// visited, one may be looked up: a limit of 1.
	Entries(from uint64, limit int, visit func(StoredEntry) error) error
	// Tile returns a tile's data, nil if there is none.
	Tile(level int, n uint64) ([]byte, error)
	// Find looks up identities by tag.
	Find(tags [][]byte) (map[string]StoredID, error)
	// Refs lists the indexes under a tag, from an index on, ascending, at most limit.
	Refs(tag []byte, from uint64, limit int) ([]uint64, error)
	// RefsBefore lists the indexes under a tag that are smaller than before, descending, at most limit.
	RefsBefore(tag []byte, before uint64, limit int) ([]uint64, error)
	// Slots visits the slots a query selects.
	Slots(q SlotQuery, visit func(StoredSlot) error) error
	PrivateArchive
}

// PrivateArchive is the reading side of what is kept beside the log.
type PrivateArchive interface {
	// Subject gives the sealed key under a tag, nil if there is none.
	Subject(tag []byte) ([]byte, error)
	// Subjects visits all keys, in order of tag.
	Subjects(visit func(StoredSubject) error) error
	// Private visits the values that a query selects.
	Private(q PrivateQuery, visit func(StoredPrivate) error) error
}
