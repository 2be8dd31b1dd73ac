package contracttest

import (
	"slices"
	"testing"

	"aval/domain"
)

// Ledger is the origin of the ledger that a Bench plays.
const Ledger = "bench.example/ledger"

// reporter is what the Bench needs of a test: *testing.T, *testing.B and *rapid.T have it.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Bench runs contract kinds in memory, one step at a time. Not safe for concurrent use.
type Bench struct {
	t     reporter
	kinds map[domain.Kind]domain.Contract

	parties map[domain.PartyID]domain.Party
	devices map[string]domain.Device
	sources map[string]domain.Source
	keys    map[string]domain.Key
	// governed are the limits that governance set.
	governed domain.Limits

	now       domain.Millis
	commands  int
	records   map[recordKey]record // final ones too
	balances  map[balanceKey]int64
	deadlines map[deadlineKey]domain.Millis
	watches   map[watchKey]domain.Watch
	messages  map[messageKey]string // fingerprint
	events    []bookedEvent
	postings  []bookedPosting
	// entries holds the postings of every command, deadline and observation that was judged, none of a refused one.
	entries [][]domain.Posting
	limits  map[balanceKey]domain.Limit
	spent   map[spentKey]int64
	// forgiving lets a deadline be refused, for stories in which deadlines come without cause.
	forgiving bool
}

type recordKey struct {
	kind domain.Kind
	key  string
}

type record struct {
	body    []byte
	parties []domain.PartyID
	status  string
	final   bool
	heldFor domain.PartyID
}

type balanceKey struct {
	account  domain.AccountID
	currency domain.Currency
}

// spentKey counts what was taken from an account on a day.
type spentKey struct {
	balanceKey
	day domain.Date
}

type deadlineKey struct {
	kind           domain.Kind
	contract, name string
}

type watchKey struct {
	kind    domain.Kind
	subject string
}

type messageKey struct {
	keyID           string
	epoch, sequence uint64
}

type bookedEvent struct {
	at   domain.Millis
	kind domain.Kind
	domain.Event
}

type bookedPosting struct {
	at   domain.Millis
	kind domain.Kind
	domain.Posting
	// event is the name of its cause.
	event string
}

// New makes an empty Bench at time zero for these kinds.
func New(t testing.TB, kinds ...domain.Contract) *Bench {
	t.Helper()
	return newBench(t, kinds...)
}

func newBench(t reporter, kinds ...domain.Contract) *Bench {
	t.Helper()
	b := &Bench{
		t: t, kinds: map[domain.Kind]domain.Contract{},
		parties: map[domain.PartyID]domain.Party{}, devices: map[string]domain.Device{}, sources: map[string]domain.Source{}, keys: map[string]domain.Key{},
		records: map[recordKey]record{}, balances: map[balanceKey]int64{}, deadlines: map[deadlineKey]domain.Millis{},
		watches: map[watchKey]domain.Watch{}, messages: map[messageKey]string{},
		limits: map[balanceKey]domain.Limit{}, spent: map[spentKey]int64{},
	}
	for _, c := range kinds {
		if err := c.Kind().Check(); err != nil {
			t.Fatalf("%v", err)
		}
		if _, twice := b.kinds[c.Kind()]; twice {
			t.Fatalf("kind %s given twice", c.Kind())
		}
		b.kinds[c.Kind()] = c
	}
	return b
}

// Fund puts money on a party's account out of issue/bench. It is not among Postings.
func (b *Bench) Fund(party domain.PartyID, amount domain.Money) {
	b.t.Helper()
	if err := amount.CheckPositive("fund"); err != nil {
		b.t.Fatalf("%v", err)
	}
	balances, err := net(b.balances, []domain.Posting{{
		Debit: domain.IssueAccount("bench"), Credit: domain.PartyAccount(party), Amount: amount, Purpose: "fund",
	}})
	if err != nil {
		b.t.Fatalf("fund %s: %v", party, err)
	}
	b.balances = balances
	b.checkLaws()
}

// Balance is credits minus debits in minor units.
func (b *Bench) Balance(account domain.AccountID, currency domain.Currency) int64 {
	return b.balances[balanceKey{account, currency}]
}

// Held is what the escrows of open records hold for a party, in minor units.
func (b *Bench) Held(party domain.PartyID, currency domain.Currency) (minor int64) {
	for key, r := range b.records {
		if r.heldFor == party && !r.final {
			minor += b.Balance(domain.EscrowAccount(key.kind, key.key), currency)
		}
	}
	return minor
}

// Size is how many commands, deadlines and observations were judged, refused ones too: the
// next one is the entry with that index.
func (b *Bench) Size() uint64 { return uint64(len(b.entries)) }

func (b *Bench) posting(ref domain.PostingRef) (domain.Posting, bool) {
	if ref.Index >= b.Size() || ref.Number < 0 || ref.Number >= len(b.entries[ref.Index]) {
		return domain.Posting{}, false
	}
	return b.entries[ref.Index][ref.Number], true
}

// Status is the status word of an open or final record, empty if it was never written.
func (b *Bench) Status(kind domain.Kind, key string) string {
	return b.records[recordKey{kind, key}].status
}

// Final says whether the record was written and closed.
func (b *Bench) Final(kind domain.Kind, key string) bool {
	return b.records[recordKey{kind, key}].final
}

// Parties are those who may see the open or final record.
func (b *Bench) Parties(kind domain.Kind, key string) []domain.PartyID {
	return slices.Clone(b.records[recordKey{kind, key}].parties)
}

// Body decodes an open or final record into a pointer. It is false if the record was never written.
func (b *Bench) Body(kind domain.Kind, key string, into any) bool {
	b.t.Helper()
	r, found := b.records[recordKey{kind, key}]
	if found {
		b.decode(r.body, into)
	}
	return found
}

// Events are all events so far, in order.
func (b *Bench) Events() []domain.Event {
	events := make([]domain.Event, len(b.events))
	for i, e := range b.events {
		events[i] = e.Event
	}
	return events
}

// Postings are all postings that contracts made so far, in order.
func (b *Bench) Postings() []domain.Posting {
	postings := make([]domain.Posting, len(b.postings))
	for i, p := range b.postings {
		postings[i] = p.Posting
	}
	return postings
}

// Forget drops a deadline, as if the engine had not come to it yet: it runs at most so many in a batch.
func (b *Bench) Forget(kind domain.Kind, contract, name string) error {
	key := deadlineKey{kind, contract, name}
	if _, asked := b.deadlines[key]; !asked {
		return domain.Refuse(domain.NotFound, "no deadline %s of %s", name, contract)
	}
	delete(b.deadlines, key)
	return nil
}

// Watches are the open watches in order of kind and subject.
func (b *Bench) Watches() []domain.Watch {
	watches := []domain.Watch{}
	for _, key := range sortedKeys(b.watches, compareWatches) {
		if w := b.watches[key]; w.Until >= b.now {
			watches = append(watches, w)
		}
	}
	return watches
}
