package cash_test

import (
	"testing"

	"pgregory.net/rapid"

	"aval/contracts/cash"
	"aval/contracts/contracttest"
	"aval/domain"
)

// paidBack is a bench on which acme paid initech 30.00 EUR: entry 1. Entry 0 is the issue.
func paidBack(t testing.TB) *contracttest.Bench {
	t.Helper()
	b := bank(t)
	must(t, b.Send(start, "acme", "cash/1", "bank", "transfer", object{"to": "initech", "amount": eur(3000), "reference": "rent"}))
	return b
}

func give(index uint64, number int, minor int64) object {
	return object{"index": index, "number": number, "amount": eur(minor), "reference": "twice"}
}

func TestPayeeReversesInParts(t *testing.T) {
	b := paidBack(t)
	for _, c := range []struct {
		minor  int64
		status string
	}{{1000, cash.PartlyReversed}, {1999, cash.PartlyReversed}, {1, cash.Reversed}} {
		must(t, b.Send(start, "initech", "cash/1", "bank", "reverse", give(1, 0, c.minor)))
		if got := b.Status("cash/1", "reversal/1-0"); got != c.status || b.Final("cash/1", "reversal/1-0") != (c.status == cash.Reversed) {
			t.Fatalf("the reversal is %s, want %s", got, c.status)
		}
	}
	if b.Balance("party/acme", "EUR") != 10_000 || b.Balance("party/initech", "EUR") != 0 {
		t.Fatal("the money is not back")
	}
	postings := b.Postings()
	last := postings[len(postings)-1]
	if last.Reverses == nil || *last.Reverses != (domain.PostingRef{Index: 1}) || last.Debit != "party/initech" || last.Credit != "party/acme" {
		t.Fatalf("the last posting is %+v", last)
	}
	if err := b.Send(start, "initech", "cash/1", "bank", "reverse", give(1, 0, 1)); code(err) != domain.WrongState {
		t.Fatalf("more than was paid: %v", err)
	}
}

func TestReversalsRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		sender domain.PartyID
		bank   string
		body   object
		code   domain.Code
	}{
		"by the payer":              {"acme", "bank", give(1, 0, 1), domain.NotPermitted},
		"by the bank":               {"bank", "bank", give(1, 0, 1), domain.NotFound},
		"of the issue, by the bank": {"bank", "bank", give(0, 0, 1), domain.NotPermitted},
		"by a stranger":             {"rival", "bank", give(1, 0, 1), domain.NotFound},
		"of more than was paid":     {"initech", "bank", give(1, 0, 3001), domain.InvalidAmount},
		"of nothing":                {"initech", "bank", give(1, 0, 0), domain.InvalidAmount},
		"of less than nothing":      {"initech", "bank", give(1, 0, -1), domain.InvalidAmount},
		"of another number":         {"initech", "bank", give(1, 1, 1), domain.NotFound},
		"of a number before all":    {"initech", "bank", give(1, -1, 1), domain.NotFound},
		"of an entry to come":       {"initech", "bank", give(9, 0, 1), domain.NotFound},
		"of itself":                 {"initech", "bank", give(2, 0, 1), domain.NotFound},
		"at another bank":           {"initech", "rival", give(1, 0, 1), domain.NotFound},
		"in other money":            {"initech", "bank", object{"index": 1, "number": 0, "amount": object{"minor": 1, "currency": "USD"}}, domain.NotFound},
		"with two lines":            {"initech", "bank", object{"index": 1, "number": 0, "amount": eur(1), "reference": "a\nb"}, domain.Malformed},
		"with an odd day":           {"initech", "bank", object{"index": 1, "number": 0, "amount": eur(1), "valueDate": "24.11.2023"}, domain.Malformed},
		"with another field":        {"initech", "bank", object{"index": 1, "number": 0, "amount": eur(1), "reason": ""}, domain.Malformed},
	} {
		b := paidBack(t)
		if err := b.Send(start, c.sender, "cash/1", c.bank, "reverse", c.body); code(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
		if b.Balance("party/initech", "EUR") != 3000 {
			t.Errorf("%s: money moved", name)
		}
	}
}

func TestReversalOfTooMuchInPartsIsRefused(t *testing.T) {
	b := paidBack(t)
	must(t, b.Send(start, "initech", "cash/1", "bank", "reverse", give(1, 0, 2000)))
	if err := b.Send(start, "initech", "cash/1", "bank", "reverse", give(1, 0, 1001)); code(err) != domain.InvalidAmount {
		t.Fatal(err)
	}
	if err := b.Send(start, "acme", "cash/1", "bank", "reverse", give(2, 0, 1)); code(err) != domain.NotPermitted {
		t.Fatalf("a reversal was reversed: %v", err)
	}
}

// What the payee spent meanwhile it cannot give back.
func TestReversalNeedsTheMoney(t *testing.T) {
	b := paidBack(t)
	must(t, b.Send(start, "initech", "cash/1", "bank", "transfer", object{"to": "rival", "amount": eur(2500)}))
	if err := b.Send(start, "initech", "cash/1", "bank", "reverse", give(1, 0, 501)); code(err) != domain.InsufficientFunds {
		t.Fatal(err)
	}
}

func TestPayeeReversesAnIssue(t *testing.T) {
	b := bank(t)
	must(t, b.Send(start, "acme", "cash/1", "bank", "reverse", give(0, 0, 10_000)))
	if b.Balance("party/acme", "EUR") != 0 || b.Balance("issue/bank", "EUR") != 0 {
		t.Fatal("the money is not gone")
	}
	if parties := b.Parties("cash/1", "reversal/0-0"); len(parties) != 2 || parties[0] != "acme" || parties[1] != "bank" {
		t.Fatalf("the reversal is seen by %v", parties)
	}
}

// Money from an escrow has no payer to give it back to.
func TestNoReversalOutOfAnEscrow(t *testing.T) {
	b := held(t)
	must(t, b.Send(start, "initech", "cash/1", "H-1", "capture", object{"amount": eur(4000)}))
	if err := b.Send(start, "initech", "cash/1", "bank", "reverse", give(2, 0, 1)); code(err) != domain.NotPermitted {
		t.Fatal(err)
	}
	if err := b.Send(start, "initech", "cash/1", "bank", "reverse", give(1, 0, 1)); code(err) != domain.NotFound {
		t.Fatalf("the payer's posting into escrow: %v", err)
	}
}

// Reversals of one posting never exceed it, in whatever parts they come.
func TestReversalsNeverExceedWhatWasPaid(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := paidBack(t)
		must(t, b.Send(start, "bank", "cash/1", "bank", "issue", object{"to": "initech", "amount": eur(50_000)}))
		given := int64(0)
		for _, minor := range rapid.SliceOfN(rapid.Int64Range(1, 2000), 1, 10).Draw(r, "parts") {
			err := b.Send(start, "initech", "cash/1", "bank", "reverse", give(1, 0, minor))
			if (err == nil) != (given+minor <= 3000) {
				r.Fatalf("%d after %d of 3000: %v", minor, given, err)
			}
			if err == nil {
				given += minor
			}
			if b.Balance("party/acme", "EUR") != 7000+given {
				r.Fatalf("acme has %d after %d were given back", b.Balance("party/acme", "EUR"), given)
			}
		}
	})
}
