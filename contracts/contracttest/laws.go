package contracttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
)

// Laws plays random, odd and hostile commands against one kind. It fails on a panic, on an
// error that is not a *domain.Rejection, on a command that is not named here and is not
// refused with unknown-command, on every law that a Bench asserts, and on a Show that fails.
//
// Name every command: those of parties, "observe" and "Equivocate" if the kind takes
// observations, and the upper-case ones of deadlines. A name may be followed by the contract
// ID that it fits and by an example body, `bind/P-1 {"premium":5}`, which is sent as it
// is and with damage: without examples Laws rarely gets past the decoding of a body. Give a
// name twice for two examples. The parties alice, bob and carol are
// registered with every role and hold EUR and USD; the device d and the source s are theirs.
func Laws(t *testing.T, c domain.Contract, commandNames ...string) {
	t.Helper()
	rapid.Check(t, property(t, c, commandNames))
}

// Fuzz is Laws as a fuzz target.
func Fuzz(f *testing.F, c domain.Contract, commandNames ...string) {
	f.Helper()
	f.Fuzz(rapid.MakeFuzz(property(f, c, commandNames)))
}

// example is a command name with a fitting contract ID and body, if they were given.
type example struct {
	name, contract string
	body           any
}

func parseExamples(t reporter, commandNames []string) []example {
	t.Helper()
	examples := []example{}
	for _, text := range commandNames {
		target, body, given := strings.Cut(text, " ")
		var e example
		e.name, e.contract, _ = strings.Cut(target, "/")
		if given {
			d := json.NewDecoder(strings.NewReader(body))
			d.UseNumber()
			if err := d.Decode(&e.body); err != nil {
				t.Fatalf("example of %s: %v", e.name, err)
			}
		}
		examples = append(examples, e)
	}
	return examples
}

// maxLawSteps bounds one random story.
const maxLawSteps = 24

func property(t reporter, c domain.Contract, commandNames []string) func(*rapid.T) {
	t.Helper()
	examples := parseExamples(t, commandNames)
	return func(t *rapid.T) {
		b := newBench(t, c)
		b.forgiving = true // random deadline commands may leave a true one without an object
		for _, party := range lawParties {
			b.Register(party, domain.Roles()...)
			b.Fund(party, domain.Money{Minor: 1_000_000, Currency: "EUR"})
			b.Fund(party, domain.Money{Minor: 1_000_000, Currency: "USD"})
		}
		b.RegisterDevice("d", "alice")
		b.RegisterSource("s", "bob", "family")
		for range rapid.IntRange(1, maxLawSteps).Draw(t, "steps") {
			b.runDeadlines(b.now + domain.Millis(rapid.Int64Range(0, 1<<36).Draw(t, "wait")))
			b.lawStep(t, c, examples)
		}
		b.checkShow(c)
	}
}

var lawParties = []domain.PartyID{"alice", "bob", "carol"}

// lawStep plays one command of a known name, or one of an unknown name and asserts the refusal.
func (b *Bench) lawStep(t *rapid.T, c domain.Contract, examples []example) {
	unknown := len(examples) == 0 || rapid.IntRange(0, 7).Draw(t, "unknown") == 0
	var e example
	if unknown {
		e.name = drawUnknownName(t, examples)
	} else {
		e = rapid.SampledFrom(examples).Draw(t, "command")
	}
	in := b.lawInput(t, c.Kind(), e)
	err := b.step(in)
	var refusal *domain.Rejection
	if unknown && (!errors.As(err, &refusal) || refusal.Code != domain.UnknownCommand) {
		t.Fatalf("law unknown command: %s of %s: got %v, want %s", e.name, c.Kind(), err, domain.UnknownCommand)
	}
}

func drawUnknownName(t *rapid.T, examples []example) string {
	known := func(name string) bool {
		return slices.ContainsFunc(examples, func(e example) bool { return e.name == name })
	}
	return rapid.OneOf(
		rapid.StringMatching(`[A-Za-z][A-Za-z0-9._-]{0,12}`), rapid.SampledFrom([]string{domain.Observe, domain.Equivocate, "Genesis"}), rapid.String(),
	).Filter(func(name string) bool { return !known(name) }).Draw(t, "name")
}

// lawInput is an input that the engine could make: upper-case names come from nobody, and
// anybody may send a lower-case one, even "observe" without evidence.
func (b *Bench) lawInput(t *rapid.T, kind domain.Kind, e example) domain.Input {
	in := domain.Input{Now: b.now, Registry: b, Command: domain.Command{
		Ledger: Ledger, ID: fmt.Sprintf("0LAWS%021d", b.now), Kind: kind, Name: e.name,
		Contract: e.contract, Body: drawBody(t, e.body),
	}}
	if e.contract == "" || rapid.IntRange(0, 7).Draw(t, "stray") == 0 {
		in.Command.Contract = rapid.SampledFrom(lawContracts).Draw(t, "contract")
	}
	if !domain.Internal(e.name) {
		in.Sender = rapid.SampledFrom(lawParties).Draw(t, "sender")
		in.Roles = b.parties[in.Sender].Roles
		if rapid.IntRange(0, 7).Draw(t, "stripped") == 0 {
			in.Roles = nil
		}
	}
	if e.name == domain.Equivocate || e.name == domain.Observe && rapid.IntRange(0, 7).Draw(t, "forged") > 0 {
		in.Command.Body, in.Evidence = nil, []domain.Observation{drawObservation(t, kind, in.Command.Contract)}
		if in.Sender != "" {
			in.Sender = in.Evidence[0].Operator
		}
	}
	return in
}

// lawContracts are the contract IDs of commands whose example names none.
var lawContracts = []string{"A", "B", "alice", "bob", "S-1", "AS-98-ANC-SEA-2015-01-01"}

// checkShow asserts that every party of a record, and an auditor, can be shown it as JSON.
func (b *Bench) checkShow(c domain.Contract) {
	b.t.Helper()
	for _, key := range sortedKeys(b.records, compareRecords) {
		r := b.records[key]
		for _, viewer := range append([]domain.PartyID{""}, r.parties...) {
			fields, err := c.Show(key.key, slices.Clone(r.body), viewer)
			if err == nil {
				_, err = json.Marshal(fields)
			}
			if err != nil {
				b.t.Fatalf("law show: %s to %q: %v", key.key, viewer, err)
			}
		}
	}
}
