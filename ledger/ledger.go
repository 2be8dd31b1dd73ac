package ledger

import (
	"encoding/json"

	"aval/domain"
)

// CommandFormat is the format under which commands are submitted; observations use the
// format of their codec.
const CommandFormat = "aval-command+jws"

// Wait says what Submit waits for.
type Wait int

// What Submit can wait for.
const (
	// ForAccepted returns once the submission passed admission. It may still be lost.
	ForAccepted Wait = iota
	// ForCommitted returns once the result is on disk under a signed checkpoint.
	ForCommitted
	// ForReceipt is ForCommitted plus the receipt with the sender's disclosure.
	ForReceipt
	// ForWitnessed is ForReceipt with a receipt that a quorum of witnesses has cosigned, if
	// that comes before the context ends.
	ForWitnessed
)

// Reply is the answer to a submission. A refusal by a contract is a reply with a Code; it is logged and has a receipt.
type Reply struct {
	ID       string        `json:"id"`
	Index    uint64        `json:"index"`
	Sequence uint64        `json:"sequence"`
	BookedAt domain.Millis `json:"bookedAt"`
	// Code is empty for success.
	Code   domain.Code `json:"code,omitempty"`
	Detail string      `json:"detail,omitempty"`
	// Duplicate says that this ID with these bytes was committed before; the rest is the first reply.
	Duplicate bool `json:"duplicate,omitempty"`
	// Receipt is a C2SP tlog-proof, present for ForReceipt.
	Receipt string `json:"receipt,omitempty"`
	// Witnessed says that a quorum of witnesses has cosigned the checkpoint in the receipt. It
	// is told for ForWitnessed only.
	Witnessed bool `json:"witnessed,omitempty"`
}

// RecordView is one record as one party may see it.
type RecordView struct {
	ID     domain.RecordID `json:"id"`
	Kind   domain.Kind     `json:"kind"`
	Status string          `json:"status"`
	Final  bool            `json:"final"`
	Fields any             `json:"fields"`
	// Parties are those that the record names, for who keeps a record of the reading.
	Parties []domain.PartyID `json:"-"`
}

// RecordFilter selects records. Zero values select all; Limit is 1 to 1000, zero means 100.
type RecordFilter struct {
	Kind   domain.Kind
	Status string
	// Cursor is the Next of an earlier page, empty for the first.
	Cursor string
	Limit  int
}

// RecordPage is one page; Next is empty on the last.
type RecordPage struct {
	Records []RecordView `json:"records"`
	Next    string       `json:"next,omitempty"`
}

// AccountView is one account in one currency.
type AccountView struct {
	Account domain.AccountID    `json:"account"`
	Class   domain.AccountClass `json:"class"`
	// Owner is empty for an escrow.
	Owner domain.PartyID `json:"owner,omitempty"`
	// Balance is credits minus debits.
	Balance domain.Money `json:"balance"`
	// Held is the owner's money in the escrows of open records, beside the balance. Available is what can be taken
	// without going below the account's minimum; a daily limit may allow less. Both are set for
	// the account of a party alone.
	Held      *domain.Money `json:"held,omitempty"`
	Available *domain.Money `json:"available,omitempty"`
}

// FeedFilter selects log entries that touch the viewer, and of those the ones that touch one
// record or one account. Limit is 1 to 1000, zero means 100.
type FeedFilter struct {
	Record  domain.RecordID
	Account domain.AccountID
	// From is the first index wanted.
	From  uint64
	Limit int
}

// EntryPage is one page of entries. Next is where the page after it begins, nil if there is
// none yet. A page may be short, even empty, and still have a Next.
type EntryPage struct {
	Entries []EntryView `json:"entries"`
	Next    *uint64     `json:"next,omitempty"`
}

// EntryView is what one party may see of one log entry.
type EntryView struct {
	Index    uint64        `json:"index"`
	Sequence uint64        `json:"sequence"`
	BookedAt domain.Millis `json:"bookedAt"`
	Kind     domain.Kind   `json:"kind"`
	Contract string        `json:"contract"`
	Name     string        `json:"name"`
	Code     domain.Code   `json:"code,omitempty"`
	Detail   string        `json:"detail,omitempty"`
	Events   []EventView   `json:"events,omitempty"`
	Postings []PostingView `json:"postings,omitempty"`
	// Private are the digests of private values that the party may read.
	Private []domain.PrivateDigest `json:"private,omitempty"`
	// Parties are those who may see something of the entry, each once, for who keeps a record of the
	// reading. They are told to auditors alone.
	Parties []domain.PartyID `json:"-"`
}

// EventView is one event as JSON.
type EventView struct {
	Name   string          `json:"name"`
	Record domain.RecordID `json:"record"`
	Body   json.RawMessage `json:"body"`
}

// WatchView is an open watch of a contract kind.
type WatchView struct {
	Kind  domain.Kind
	Watch domain.Watch
}
