package ledger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/btree"

	"aval/domain"
)

// slotType tells the six things that state is made of.
type slotType string

const (
	recordSlot   slotType = "r"
	balanceSlot  slotType = "b"
	deadlineSlot slotType = "d"
	watchSlot    slotType = "w"
	outflowSlot  slotType = "o"
	chainSlot    slotType = "g"
)

// slot is one piece of state. Its canonical bytes are the element of the state digest and,
// sealed, the row on disk. A slot is never changed once it is in a State.
type slot struct {
	Type slotType    `json:"type"`
	Kind domain.Kind `json:"kind,omitempty"`
	// Key is a record key, an account, a deadline's contract, a watch's subject, or the day and
	// account of an outflow.
	Key string `json:"key"`
	// Name is a balance's or outflow's currency or a deadline's command.
	Name    string           `json:"name,omitempty"`
	Body    []byte           `json:"body,omitempty"`
	Parties []domain.PartyID `json:"parties,omitempty"`
	Status  string           `json:"status,omitempty"`
	Final   bool             `json:"final,omitempty"`
	HeldFor domain.PartyID   `json:"heldFor,omitempty"`
	Minor   int64            `json:"minor,omitempty"`
	At      domain.Millis    `json:"at,omitempty"`
	Watch   *domain.Watch    `json:"watch,omitempty"`

	// registered is the decoded body of a registry record, not part of the bytes.
	registered any
}

// name orders slots by type, kind and key: a space stands in none of the parts and sorts before all that do.
func (s *slot) name() string {
	return string(s.Type) + " " + string(s.Kind) + " " + s.Key + " " + s.Name
}

// due orders deadlines by time, then kind, contract and command.
func (s *slot) due() string { return fmt.Sprintf("%016x %s", uint64(s.At), s.name()) }

func recordName(kind domain.Kind, key string) string {
	return (&slot{Type: recordSlot, Kind: kind, Key: key}).name()
}

// State is everything that is open. One goroutine changes it; snapshots are for readers.
type State struct {
	slots     *btree.Map[string, *slot]
	deadlines *btree.Map[string, *slot]
	digest    *stateDigest
	// registry counts the changes of governance's records: while it stands, so does who is who.
	registry uint64
	// wide is where elements of the digest are stretched.
	wide *stretched
	// held sums up, by party and currency, what escrows hold for a party. It follows from the
	// records and balances and is no part of the digest.
	held *btree.Map[string, int64]
	// limits are those of the limit records, for the goroutine that executes.
	limits map[holding]domain.Limit
	// before holds, for each slot touched since the last settle, what it was; nil for new.
	before map[string]*slot
	// closed holds the records that became final since the last settle.
	closed map[string]*slot
}

func newState() *State {
	return &State{
		slots: &btree.Map[string, *slot]{}, deadlines: &btree.Map[string, *slot]{}, digest: &stateDigest{}, wide: &stretched{},
		held: &btree.Map[string, int64]{}, limits: map[holding]domain.Limit{}, before: map[string]*slot{}, closed: map[string]*slot{},
	}
}

// snapshot is a read-only copy, cheap because both share their nodes. Only for a settled state.
func (st *State) snapshot() *State {
	return &State{slots: st.slots.Copy(), deadlines: st.deadlines.Copy(), digest: st.digest, held: st.held.Copy()}
}

// put sets a slot; drop removes one.
func (st *State) put(s *slot) {
	name := s.name()
	st.touch(name)
	st.place(name, s)
}

// place sets a slot that is new to the state, or whose old form was touched.
func (st *State) place(name string, s *slot) {
	if s.Type == recordSlot && s.Kind == domain.GovernanceKind {
		s.registered = registered(s.Key, s.Body)
	}
	if of, limit, ok := limitOf(s); ok {
		st.limits[of] = limit
	}
	st.slots.Set(name, s)
	if s.Type == deadlineSlot {
		st.deadlines.Set(s.due(), s)
	}
}

func (st *State) drop(name string) {
	st.touch(name)
	st.slots.Delete(name)
}

// registryPrefix begins the names of governance's records.
const registryPrefix = string(recordSlot) + " " + string(domain.GovernanceKind) + " "

// touch remembers what the slot was and takes a deadline out of the order of time.
func (st *State) touch(name string) {
	if strings.HasPrefix(name, registryPrefix) {
		st.registry++
	}
	old, _ := st.slots.Get(name)
	if _, seen := st.before[name]; !seen {
		st.before[name] = old
	}
	if old == nil {
		return
	}
	if old.Type == deadlineSlot {
		st.deadlines.Delete(old.due())
	}
	if of, _, ok := limitOf(old); ok {
		delete(st.limits, of)
	}
}

// close takes a final record out of memory but keeps its last body for the store.
func (st *State) close(s *slot) {
	st.drop(s.name())
	st.closed[s.name()] = s
}

func (st *State) balance(account domain.AccountID, c domain.Currency) int64 {
	s, ok := st.slots.Get((&slot{Type: balanceSlot, Key: string(account), Name: string(c)}).name())
	if !ok {
		return 0
	}
	return s.Minor
}

func (st *State) setBalance(account domain.AccountID, c domain.Currency, minor int64) {
	s := &slot{Type: balanceSlot, Key: string(account), Name: string(c), Minor: minor}
	if minor == 0 {
		st.drop(s.name())
		return
	}
	st.put(s)
}

// nextDue is the earliest deadline, zero if there is none.
func (st *State) nextDue() domain.Millis {
	_, s, ok := st.deadlines.Min()
	if !ok {
		return 0
	}
	return max(s.At, 1)
}

// scan visits slots whose name has the prefix, in order, until visit says stop.
func (st *State) scan(prefix, after string, visit func(*slot) bool) {
	st.slots.Ascend(max(prefix, after), func(name string, s *slot) bool {
		if !strings.HasPrefix(name, prefix) {
			return false
		}
		return name == after || visit(s)
	})
}

// change is what one slot became in a batch. A nil body means that it is gone.
type change struct {
	slot   *slot
	body   []byte
	opened bool
	// listed says that the slot is in the lists of its parties already.
	listed bool
}

// settle folds the touched slots into the digest and returns them in order of name. It
// asserts conservation: the touched balances of each currency change by zero in sum.
func (st *State) settle() ([]change, error) {
	names := make([]string, 0, len(st.before))
	for name := range st.before { //tidy:ordered sorted below
		names = append(names, name)
	}
	slices.Sort(names)
	digest := *st.digest
	moved := map[string]int64{}
	changes := make([]change, 0, len(names))
	for _, name := range names {
		c, err := st.settleSlot(name, &digest, moved)
		if err != nil {
			return nil, err
		}
		if c.slot != nil { // nil: touched, but neither there before nor now
			changes = append(changes, c)
		}
	}
	for currency, minor := range moved { //tidy:ordered only compared with zero
		if minor != 0 {
			return nil, fmt.Errorf("conservation broken: %s accounts moved by %d in sum", currency, minor)
		}
	}
	st.digest, st.before, st.closed = &digest, map[string]*slot{}, map[string]*slot{}
	return changes, nil
}

func (st *State) settleSlot(name string, digest *stateDigest, moved map[string]int64) (change, error) {
	old, now := st.before[name], (*slot)(nil)
	if s, ok := st.slots.Get(name); ok {
		now = s
	}
	if old != nil {
		body, err := old.encode()
		if err != nil {
			return change{}, err
		}
		digest.remove(st.wide.of(body))
		if old.Type == balanceSlot {
			moved[old.Name] -= old.Minor
		}
	}
	if now == nil {
		return st.settleGone(name, old)
	}
	if now.Type == balanceSlot {
		moved[now.Name] += now.Minor
	}
	body, err := now.encode()
	if err != nil {
		return change{}, err
	}
	digest.add(st.wide.of(body))
	return change{slot: now, body: body, opened: true, listed: old != nil && slices.Equal(old.Parties, now.Parties)}, nil
}

func (st *State) settleGone(name string, old *slot) (change, error) {
	final, ok := st.closed[name]
	if !ok {
		return change{slot: old}, nil
	}
	body, err := final.encode()
	return change{slot: final, body: body, listed: old != nil && slices.Equal(old.Parties, final.Parties)}, err
}

// sums adds up each currency over all accounts; every sum must be zero.
func (st *State) sums() map[string]int64 {
	sums := map[string]int64{}
	st.scan(string(balanceSlot)+" ", "", func(s *slot) bool {
		sums[s.Name] += s.Minor
		return true
	})
	return sums
}
