package domain

import (
	"slices"

	"aval/domain/canon"
)

// Contract is a built-in contract kind: terms, state, one transition, payoffs. It is pure:
// the same View and Input give the same Effects on every node, for ever. Safe for
// concurrent use, because it holds nothing.
type Contract interface {
	// Kind is the name and version of the rules.
	Kind() Kind
	// Apply judges one command, deadline or observation. It returns a *Rejection to refuse;
	// any other error is a bug and stops the engine. Effects are applied whole or not at all.
	Apply(View, Input) (Effects, error)
	// Show gives a viewer's own fields of a record as a JSON-encodable value. The engine
	// calls it only for parties that the record names and for auditors (viewer "" = all fields).
	Show(key string, body []byte, viewer PartyID) (any, error)
}

// View is a contract's read-only sight of its own kind's records and of few balances.
type View interface {
	// Get returns the body of an open record. A record that became final is not found.
	Get(key string) (body []byte, found bool)
	// Closed says whether the key belonged to a record that became final: keys are never reused.
	Closed(key string) bool
	// Scan lists open records whose key has the prefix and is greater than after, in key order, at most limit (<= MaxScan).
	Scan(prefix, after string, limit int) []Record
	// Available is the balance of one of the kind's escrow accounts or of the sender's own account; zero for any other.
	Available(AccountID, Currency) int64
	// Posting is a posting of an earlier batch, if the sender owns one of its accounts or this
	// kind holds one; not found otherwise. After MaxPostingReads of them nothing more is found.
	Posting(PostingRef) (p Posting, found bool)
}

// Record is one keyed piece of a kind's state.
type Record struct {
	Key  string
	Body []byte
}

// Input is one thing to judge.
type Input struct {
	// Now is the batch time: Unix milliseconds UTC, strictly increasing from batch to batch.
	Now Millis
	// Sender is authenticated. Empty for a deadline; the operator of the device or source for an observation.
	Sender PartyID
	// Roles are the sender's roles before this command, Key the thumbprint of the key that signed it;
	// empty for a deadline.
	Roles []Role
	Key   string
	// Command names contract and command. Deadlines come back as the command that was asked
	// for; an observation comes as command "observe" with its subject as Contract. A name
	// beginning with an upper-case letter is refused from outside: those are for deadlines.
	Command Command
	// Evidence holds the observations ordered with the command.
	Evidence []Observation
	Registry Registry
	// Limits are those of governance.
	Limits Limits
}

// Observe is the command name under which observations arrive, Equivocate the one under
// which a second, different message with the identity of an earlier one arrives.
const (
	Observe    = "observe"
	Equivocate = "Equivocate"
)

// Internal says whether a command name is reserved for deadlines and the engine: it begins
// with an upper-case letter.
func Internal(name string) bool { return name != "" && name[0] >= 'A' && name[0] <= 'Z' }

// Has says whether the sender holds the role.
func (in Input) Has(r Role) bool { return slices.Contains(in.Roles, r) }

// FromDeadline says whether the engine itself issued the command.
func (in Input) FromDeadline() bool { return in.Sender == "" }

// Effects is everything a contract changes.
type Effects struct {
	Writes    []Write
	Events    []Event
	Postings  []Posting
	Deadlines []Deadline
	Watches   []Watch
}

// Write replaces one record.
type Write struct {
	Key  string
	Body []byte
	// Parties may see the record, each with the fields that Show gives it.
	Parties []PartyID
	// Status is the word of the life cycle that clients filter on.
	Status string
	// Final closes the record: it leaves memory, its key is never used again.
	Final bool
	// HeldFor is the party whose money the record's escrow holds for the time being: it counts
	// as held beside what that party has available. Empty for nobody. It never changes.
	HeldFor PartyID
}

// Event says what happened, in the past tense.
type Event struct {
	Name string `json:"name"`
	// Key is the record that the event belongs to.
	Key string `json:"key"`
	// Parties may see the event.
	Parties []PartyID `json:"parties"`
	// Body is canonical CBOR of a flat struct.
	Body []byte `json:"body"`
}

// Deadline asks for "order this command at or after At". It is known by kind, contract and
// name: asking again replaces it, At zero cancels it. The command must be one that begins
// with an upper-case letter, so that nobody outside can send it.
type Deadline struct {
	At       Millis `json:"at"`
	Contract string `json:"contract"`
	Name     string `json:"name"`
}

// Watch asks the outside for observations on a subject. It is known by kind and subject:
// asking again replaces it, Until zero closes it.
type Watch struct {
	Subject string `json:"subject"`
	// Phases say how often to poll, in order of From; none for subjects whose devices push.
	Phases []WatchPhase `json:"phases,omitempty"`
	Until  Millis       `json:"until"`
	// Query is what the source needs to find the subject; nil for pushed subjects.
	Query *FlightQuery `json:"query,omitempty"`
}

// WatchPhase polls on a cron schedule (robfig/cron/v3 syntax, "@every 15m") from an instant on.
type WatchPhase struct {
	From     Millis `json:"from"`
	Schedule string `json:"schedule"`
}

// FlightQuery identifies a flight leg to a data source.
type FlightQuery struct {
	Carrier      string `json:"carrier"`
	Number       string `json:"number"`
	Origin       string `json:"origin"`
	Destination  string `json:"destination"`
	ScheduledOut Millis `json:"scheduledOut"`
	ScheduledIn  Millis `json:"scheduledIn"`
}

// Put makes a Write whose body is the canonical encoding of state. An encoding error is a bug.
func Put[S any](key string, state S, status string, parties ...PartyID) (Write, error) {
	body, err := canon.Marshal(state)
	return Write{Key: key, Body: body, Status: status, Parties: distinct(parties)}, err
}

// Load decodes the record at key. found is false, with no error, when there is none.
func Load[S any](v View, key string) (state S, found bool, err error) {
	body, found := v.Get(key)
	if !found {
		return state, false, nil
	}
	err = canon.Decode(body, &state) // the View's bodies are Put's own
	return state, true, err
}

// NewEvent makes an Event about the record at key whose body is the canonical encoding of v.
func NewEvent(name, key string, v any, parties ...PartyID) (Event, error) {
	body, err := canon.Marshal(v)
	return Event{Name: name, Key: key, Parties: distinct(parties), Body: body}, err
}

// distinct sorts parties and drops repetitions and empty names.
func distinct(parties []PartyID) []PartyID {
	sorted := slices.Clone(parties)
	slices.Sort(sorted)
	return slices.DeleteFunc(slices.Compact(sorted), func(p PartyID) bool { return p == "" })
}
