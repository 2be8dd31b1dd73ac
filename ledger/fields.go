package ledger

import (
	"crypto/sha256"
	"slices"
	"sort"
	"strconv"
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// The names of a view's fields. Each can be shown without the others, but for the header: a
// field whose entry, time, outcome and holder were hidden would prove nothing, or deceive.
const (
	entryPath    = "entry"     // the whole of view 0
	headerPath   = "header"    // first field of a party's view
	commandPath  = "command"   // kind, contract, name
	senderPath   = "sender"    // for the sender: ID, detail, fingerprint
	eventsPath   = "events/"   // events/0: name and key; events/0/amount: a member of its body
	postingsPath = "postings/" // postings/0
	balancesPath = "balances/" // balances/0: those of one account of the party
	privatePath  = "private/"  // private/0: subject and digest of a private value, after all others
	restPath     = "rest"      // instead of events, postings and balances that are too many: the hash of them all
)

// maxFields bounds the events, members, postings and balances that a view commits to one by one.
// Of more, which only the payer of a large bulk sees, no receipt could hold the hashes; the rest
// of its receipt still says what became of its command.
const maxFields = 512

// An event's body is split into its members within these limits; beyond them it is one
// field, together with the event's name.
const (
	maxMembers    = 64
	maxMemberName = 64
)

// mention says that an entry has something for a party: as its sender (what 0), in event
// what-1, or in a posting, balance or private value, counted on from the events.
type mention struct {
	party domain.PartyID
	what  int
}

// sees says whether there is a view for that party: it sent the entry, is named by an event
// of it, owns an account that money moves on, or may read a private value.
func (e *entry) sees(party domain.PartyID) bool {
	return slices.ContainsFunc(e.collect(nil), func(m mention) bool { return m.party == party })
}

// parties lists those who see something of the entry, in order.
func (e *entry) parties() []domain.PartyID {
	var all []domain.PartyID
	for _, m := range e.collect(nil) {
		all = append(all, m.party)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// mentions lists what the entry has for whom, by party and then in the entry's order, so that
// the cost of all views together grows with what they hold.
func (e *entry) mentions(all []mention) []mention {
	all = e.collect(all)
	slices.SortFunc(all, func(a, b mention) int {
		if order := strings.Compare(string(a.party), string(b.party)); order != 0 {
			return order
		}
		return a.what - b.what
	})
	return slices.Compact(all)
}

func (e *entry) collect(all []mention) []mention {
	if e.Sender != "" {
		all = append(all, mention{e.Sender, 0})
	}
	for i, event := range e.Events {
		for _, party := range event.Parties {
			all = append(all, mention{party, 1 + i})
		}
	}
	for i, p := range e.Postings {
		what := 1 + len(e.Events) + i
		for _, owner := range [...]domain.PartyID{p.Debit.Owner(), p.Credit.Owner()} {
			if owner != "" {
				all = append(all, mention{owner, what})
			}
		}
	}
	for i, b := range e.Balances {
		if owner := b.Account.Owner(); owner != "" {
			all = append(all, mention{owner, 1 + len(e.Events) + len(e.Postings) + i})
		}
	}
	for i, item := range e.Private {
		what := e.firstPrivate() + i
		all = append(all, mention{e.Sender, what}, mention{item.Subject, what})
		for _, reader := range item.Readers {
			all = append(all, mention{reader, what})
		}
	}
	return all
}

// firstPrivate is what of the first private value.
func (e *entry) firstPrivate() int { return 1 + len(e.Events) + len(e.Postings) + len(e.Balances) }

// nextViewer splits off what belongs to the first party; nothing if nothing is left.
func nextViewer(all []mention) (own, rest []mention) {
	n := 0
	for n < len(all) && all[n].party == all[0].party {
		n++
	}
	return all[:n], all[n:]
}

// parts are the pieces of one entry that its views are made of, each encoded once. They can
// be filled again for the next entry.
type parts struct {
	scratch canon.Writer
	command []byte
	events  []eventPart
	members []canon.Member
	path    []byte
	rest    []byte
}

type eventPart struct {
	head    []byte
	members []canon.Member
}

func (p *parts) fill(e *entry) {
	if p.scratch.Reset(); p.path == nil {
		p.path = make([]byte, 0, maxPath)
	}
	p.events, p.members = p.events[:0], p.members[:0]
	commandValue{e.Kind, e.Contract, e.Name}.encode(&p.scratch)
	p.command = p.scratch.Since(0)
	for _, event := range e.Events {
		p.events = append(p.events, p.split(event))
	}
}

// split takes the body of an event apart, if it is the flat struct that it should be.
func (p *parts) split(event domain.Event) eventPart {
	v := eventValue{Name: event.Name, Key: event.Key}
	first := len(p.members)
	all, err := canon.Split(p.members, event.Body)
	own := all[first:]
	tooLong := func(m canon.Member) bool { return len(m.Name) > maxMemberName }
	if err != nil || len(own) > maxMembers || slices.ContainsFunc(own, tooLong) {
		v.Body, own = event.Body, nil
	} else {
		p.members = all
	}
	from := p.scratch.Len()
	v.encode(&p.scratch)
	return eventPart{p.scratch.Since(from), own}
}

// visit gives the fields of one party's view in their order. Path and value are only lent.
func (p *parts) visit(e *entry, own []mention, emit func(path, value []byte)) {
	w := &p.scratch
	from := w.Len()
	headerValue{own[0].party, e.Index, e.Sequence, e.BookedAt, e.Code}.encode(w)
	emit(p.named(headerPath), w.Since(from))
	emit(p.named(commandPath), p.command)
	if own[0].what == 0 {
		from = w.Len()
		senderValue{e.ID, e.Detail, e.Fingerprint}.encode(w)
		emit(p.named(senderPath), w.Since(from))
		own = own[1:]
	}
	own, private := before(own, e.firstPrivate())
	if p.count(e, own) <= maxFields {
		p.happened(e, own, emit)
	} else {
		p.manyHappened(e, own, emit)
	}
	for i, m := range private {
		from = w.Len()
		encodePrivateDigest(w, digestOf(e.Private[m.what-e.firstPrivate()]))
		emit(p.numbered(privatePath, i), w.Since(from))
	}
}

// manyHappened gives one hash in place of all that happened.
func (p *parts) manyHappened(e *entry, own []mention, emit func(path, value []byte)) {
	p.rest = p.rest[:0]
	p.happened(e, own, func(path, value []byte) { p.rest = appendField(p.rest, path, value) })
	sum := sha256.Sum256(p.rest)
	from := p.scratch.Len()
	p.scratch.Bytes(sum[:])
	emit(p.named(restPath), p.scratch.Since(from))
}

// count is the number of fields that happened gives.
func (p *parts) count(e *entry, own []mention) int {
	events, others := before(own, 1+len(e.Events))
	n := len(events) + len(others)
	for _, m := range events {
		n += len(p.events[m.what-1].members)
	}
	return n
}

// happened gives the events, postings and balances.
func (p *parts) happened(e *entry, own []mention, emit func(path, value []byte)) {
	w := &p.scratch
	events, own := before(own, 1+len(e.Events))
	for i, m := range events {
		p.events[m.what-1].visit(p.numbered(eventsPath, i), emit)
	}
	postings, balances := before(own, 1+len(e.Events)+len(e.Postings))
	for i, m := range postings {
		from := w.Len()
		encodePosting(w, e.posting(m.what-1-len(e.Events), events))
		emit(p.numbered(postingsPath, i), w.Since(from))
	}
	for i, m := range balances {
		from := w.Len()
		e.Balances[m.what-1-len(e.Events)-len(e.Postings)].encode(w)
		emit(p.numbered(balancesPath, i), w.Since(from))
	}
}

// before splits off the mentions of less than what.
func before(own []mention, what int) (less, rest []mention) {
	n := sort.Search(len(own), func(i int) bool { return own[i].what >= what })
	return own[:n], own[n:]
}

// posting is a posting as a viewer of these events is told of it.
func (e *entry) posting(number int, events []mention) DisclosedPosting {
	p := DisclosedPosting{number, e.Postings[number]}
	less, _ := before(events, 1+p.Cause)
	p.Cause = len(less)
	return p
}

func (p *parts) named(path string) []byte {
	p.path = append(p.path[:0], path...)
	return p.path
}

func (p *parts) numbered(path string, n int) []byte {
	p.path = strconv.AppendInt(p.named(path), int64(n), 10)
	return p.path
}

func (v eventPart) visit(path []byte, emit func(path, value []byte)) {
	emit(path, v.head)
	path = append(path, '/')
	for _, m := range v.members {
		emit(append(path, m.Name...), m.Value)
	}
}
