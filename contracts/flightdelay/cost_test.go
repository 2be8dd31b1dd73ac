package flightdelay

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/canon"
)

// counted is a View in memory that counts the records handed out. It takes writes over and
// leaves money and laws to the bench.
type counted struct {
	t       *testing.T
	records map[string][]byte
	read    int
}

func (c *counted) Get(key string) ([]byte, bool) {
	body, found := c.records[key]
	c.read++
	return body, found
}

func (c *counted) Closed(string) bool { return false }

func (c *counted) Available(domain.AccountID, domain.Currency) int64 { return domain.MaxMinor }

func (c *counted) Posting(domain.PostingRef) (domain.Posting, bool) { return domain.Posting{}, false }

func (c *counted) Scan(prefix, after string, limit int) (found []domain.Record) {
	for key, body := range c.records {
		if strings.HasPrefix(key, prefix) && key > after {
			found = append(found, domain.Record{Key: key, Body: body})
		}
	}
	slices.SortFunc(found, func(a, b domain.Record) int { return strings.Compare(a.Key, b.Key) })
	found = found[:min(limit, len(found))]
	c.read += len(found)
	return found
}

// apply judges and takes over, and gives the number of records read.
func (c *counted) apply(in domain.Input) int {
	c.t.Helper()
	c.read = 0
	fx, err := Contract.Apply(c, in)
	if err != nil {
		c.t.Fatal(err)
	}
	read := c.read
	for _, w := range fx.Writes {
		delete(c.records, w.Key)
		if !w.Final {
			c.records[w.Key] = w.Body
		}
	}
	return read
}

// Neither a sale nor an observation looks at the policies that a leg or a product has already.
func TestCostDoesNotGrowWithPolicies(t *testing.T) {
	terms := ReferenceTerms("s1", "s2")
	terms.Sale.MaxPerLeg = terms.Sale.MaxTotal
	p, err := canon.Marshal(product{Insurer: "insurer", Terms: terms})
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{t: t, records: map[string][]byte{"product/P": p}}
	bind := func(i int) int {
		body, _ := json.Marshal(Bind{Product: "P", Leg: theLeg(), Premium: usd(9_90)})
		return c.apply(domain.Input{Now: sold, Sender: domain.PartyID(fmt.Sprint("h", i)), Registry: sources{}, Command: domain.Command{
			Kind: Kind, Contract: fmt.Sprint("policy-", i), Name: "bind", Body: body,
		}})
	}
	observe := func(sequence uint64) int {
		f := domain.FlightStatus{Leg: legKey, Phase: domain.FlightUnknown, FetchedAt: in}
		return c.apply(domain.Input{Now: in, Sender: "oracle", Command: domain.Command{Kind: Kind, Contract: legKey, Name: domain.Observe},
			Evidence: []domain.Observation{{Kind: Kind, Subject: legKey, Holder: "s1", Family: "f1", Epoch: 1, Sequence: sequence, ObservedAt: in, Flight: &f}},
			Registry: sources{}})
	}
	bind(0)
	secondBind, firstObserve := bind(1), observe(1)
	for i := 2; i < 500; i++ {
		if read := bind(i); read != secondBind {
			t.Fatalf("bind %d read %d records, the second bind %d", i, read, secondBind)
		}
	}
	if read := observe(2); read != firstObserve {
		t.Errorf("an observation read %d records, %d with two policies", read, firstObserve)
	}
}

// sources is a Registry in which every source is registered and alone in its family.
type sources struct{}

func (sources) Party(domain.PartyID) (domain.Party, bool) { return domain.Party{}, false }
func (sources) Key(string) (domain.Key, bool)             { return domain.Key{}, false }
func (sources) Device(string) (domain.Device, bool)       { return domain.Device{}, false }
func (sources) Approved(domain.Kind, string, domain.Millis) bool {
	return true
}
func (sources) Source(id string) (domain.Source, bool) {
	return domain.Source{ID: id, Operator: "oracle", Family: id}, true
}
