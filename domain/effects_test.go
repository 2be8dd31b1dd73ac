package domain_test

import (
	"strings"
	"testing"

	"aval/domain"
)

const kind domain.Kind = "invoice/1"

// because is an event that names everybody, so that any posting may have it as its cause.
var because = domain.Event{Name: "Paid", Key: "agreement/A-1", Parties: []domain.PartyID{"acme", "bank", "bolt", "rival"}}

func posting(debit, credit domain.AccountID, minor int64) domain.Effects {
	return domain.Effects{Events: []domain.Event{because}, Postings: []domain.Posting{{
		Debit: debit, Credit: credit, Amount: domain.Money{Minor: minor, Currency: "EUR"}, Purpose: "payment",
	}}}
}

func write(change func(*domain.Write)) domain.Effects {
	w := domain.Write{Key: "agreement/A-1", Status: "open", Parties: []domain.PartyID{"acme", "bolt"}}
	change(&w)
	return domain.Effects{Writes: []domain.Write{w}}
}

func event(change func(*domain.Event)) domain.Effects {
	e := domain.Event{Name: "Opened", Key: "agreement/A-1", Parties: []domain.PartyID{"acme", "bolt"}}
	change(&e)
	return domain.Effects{Events: []domain.Event{e}}
}

func deadline(at domain.Millis, contract, name string) domain.Effects {
	return domain.Effects{Deadlines: []domain.Deadline{{At: at, Contract: contract, Name: name}}}
}

func watch(subject string, until domain.Millis) domain.Effects {
	return domain.Effects{Watches: []domain.Watch{{Subject: subject, Until: until}}}
}

// A posting takes from the sender or from an escrow of the kind; nothing else.
func TestPostingsTakeOnlyFromSenderOrOwnEscrow(t *testing.T) {
	var (
		acme, bolt = domain.PartyAccount("acme"), domain.PartyAccount("bolt")
		escrow     = domain.EscrowAccount(kind, "agreement/A-1")
		foreign    = domain.EscrowAccount("flightdelay/1", "policy/P-1")
		longer     = domain.EscrowAccount("invoice/11", "agreement/A-1")
		issue      = domain.IssueAccount("bank")
	)
	for name, c := range map[string]struct {
		kind   domain.Kind
		sender domain.PartyID
		fx     domain.Effects
		code   domain.Code
	}{
		"sender pays another":                  {kind, "acme", posting(acme, bolt, 1), ""},
		"sender pays into escrow":              {kind, "acme", posting(acme, escrow, 1), ""},
		"credit of a foreign escrow":           {kind, "acme", posting(acme, foreign, 1), domain.NotPermitted},
		"credit of a longer version":           {kind, "acme", posting(acme, longer, 1), domain.NotPermitted},
		"escrow to a foreign escrow":           {kind, "acme", posting(escrow, foreign, 1), domain.NotPermitted},
		"escrow to escrow":                     {kind, "acme", posting(escrow, domain.EscrowAccount(kind, "agreement/A-2"), 1), ""},
		"escrow pays on a command":             {kind, "acme", posting(escrow, bolt, 1), ""},
		"escrow pays at a deadline":            {kind, "", posting(escrow, bolt, 1), ""},
		"largest amount":                       {kind, "acme", posting(acme, bolt, domain.MaxMinor), ""},
		"bank issues":                          {domain.CashKind, "bank", posting(issue, acme, 1), ""},
		"bank redeems from itself":             {domain.CashKind, "bank", posting(domain.PartyAccount("bank"), issue, 1), ""},
		"sender redeems to the bank":           {domain.CashKind, "acme", posting(acme, issue, 1), ""},
		"another's account":                    {kind, "acme", posting(bolt, acme, 1), domain.NotPermitted},
		"a party at a deadline":                {kind, "", posting(acme, escrow, 1), domain.NotPermitted},
		"escrow of another kind":               {kind, "acme", posting(foreign, acme, 1), domain.NotPermitted},
		"escrow of another kind at a deadline": {kind, "", posting(foreign, acme, 1), domain.NotPermitted},
		"escrow of a longer version":           {kind, "acme", posting(longer, acme, 1), domain.NotPermitted},
		"account to itself":                    {kind, "acme", posting(acme, acme, 1), domain.NotPermitted},
		"escrow to itself":                     {kind, "acme", posting(escrow, escrow, 1), domain.NotPermitted},
		"issue by another kind":                {kind, "bank", posting(issue, acme, 1), domain.NotPermitted},
		"redeem by another kind":               {kind, "acme", posting(acme, issue, 1), domain.NotPermitted},
		"another bank's issue account":         {domain.CashKind, "bank", posting(domain.IssueAccount("rival"), acme, 1), domain.NotPermitted},
		"issue at a deadline":                  {domain.CashKind, "", posting(issue, acme, 1), domain.NotPermitted},
		"cash kind of another version":         {"cash/2", "bank", posting(issue, acme, 1), domain.NotPermitted},
		"debit that is no account":             {kind, "acme", posting("acme", bolt, 1), domain.Malformed},
		"credit that is no account":            {kind, "acme", posting(acme, "bolt", 1), domain.Malformed},
		"no debit, no sender":                  {kind, "", posting("party/", bolt, 1), domain.Malformed},
		"amount of zero":                       {kind, "acme", posting(acme, bolt, 0), domain.InvalidAmount},
		"negative amount takes from credit":    {kind, "acme", posting(acme, bolt, -1), domain.InvalidAmount},
		"amount beyond the largest":            {kind, "acme", posting(acme, bolt, domain.MaxMinor+1), domain.InvalidAmount},
		"unknown currency":                     {kind, "acme", changed(func(p *domain.Posting) { p.Amount.Currency = "XXX" }), domain.Malformed},
	} {
		wantCode(t, name, c.fx.Check(c.kind, domain.Input{Sender: c.sender}), c.code)
	}
}

func TestWritesEventsDeadlinesAndWatchesAreChecked(t *testing.T) {
	many := make([]domain.PartyID, domain.MaxRecordParties+1)
	large := make([]byte, domain.MaxCommandBytes+1)
	unsorted := []domain.PartyID{"bolt", "acme"}
	for name, c := range map[string]struct {
		fx   domain.Effects
		code domain.Code
	}{
		"nothing":                {domain.Effects{}, ""},
		"write":                  {write(func(*domain.Write) {}), ""},
		"write, most parties":    {write(func(w *domain.Write) { w.Parties = many[1:] }), ""},
		"write, largest body":    {write(func(w *domain.Write) { w.Body = large[1:] }), ""},
		"write, many parties":    {write(func(w *domain.Write) { w.Parties = many }), domain.LimitExceeded},
		"write, large body":      {write(func(w *domain.Write) { w.Body = large }), domain.TooLarge},
		"write, unsorted":        {write(func(w *domain.Write) { w.Parties = unsorted }), domain.Malformed},
		"write, no status":       {write(func(w *domain.Write) { w.Status = "" }), domain.Malformed},
		"write, bad key":         {write(func(w *domain.Write) { w.Key = "agreement" }), domain.Malformed},
		"write, held for acme":   {write(func(w *domain.Write) { w.HeldFor = "acme" }), ""},
		"write, for a stranger":  {write(func(w *domain.Write) { w.HeldFor = "rival" }), domain.Malformed},
		"event":                  {event(func(*domain.Event) {}), ""},
		"event, many parties":    {event(func(e *domain.Event) { e.Parties = many }), domain.LimitExceeded},
		"event, large body":      {event(func(e *domain.Event) { e.Body = large }), domain.TooLarge},
		"event, unsorted":        {event(func(e *domain.Event) { e.Parties = unsorted }), domain.Malformed},
		"event, no name":         {event(func(e *domain.Event) { e.Name = "" }), domain.Malformed},
		"event, bad key":         {event(func(e *domain.Event) { e.Key = "" }), domain.Malformed},
		"deadline":               {deadline(1, "A-1", "Lapse"), ""},
		"deadline, cancelled":    {deadline(0, "A-1", "Lapse"), ""},
		"deadline, before 1970":  {deadline(-1, "A-1", "Lapse"), domain.Malformed},
		"deadline, lower case":   {deadline(1, "A-1", "lapse"), domain.Malformed},
		"deadline, no name":      {deadline(1, "A-1", ""), domain.Malformed},
		"deadline, bad contract": {deadline(1, "A/1", "Lapse"), domain.Malformed},
		"watch":                  {watch("S-1", 1), ""},
		"watch, closed":          {watch("S-1", 0), ""},
		"watch, before 1970":     {watch("S-1", -1), domain.Malformed},
		"watch, bad subject":     {watch("S/1", 1), domain.Malformed},
	} {
		wantCode(t, name, c.fx.Check(kind, domain.Input{Sender: "acme"}), c.code)
	}
}

func TestEffectsAreCounted(t *testing.T) {
	acme, bolt := domain.PartyAccount("acme"), domain.PartyAccount("bolt")
	all := func(extra int) map[string]domain.Effects {
		return map[string]domain.Effects{
			"writes":    {Writes: repeat(write(func(*domain.Write) {}).Writes[0], domain.MaxWrites+extra)},
			"events":    {Events: repeat(event(func(*domain.Event) {}).Events[0], domain.MaxEvents+extra)},
			"postings":  {Events: []domain.Event{because}, Postings: repeat(posting(acme, bolt, 1).Postings[0], domain.MaxPostings+extra)},
			"deadlines": {Deadlines: repeat(deadline(1, "A-1", "Lapse").Deadlines[0], domain.MaxDeadlines+extra)},
			"watches":   {Watches: repeat(watch("S-1", 1).Watches[0], domain.MaxWatches+extra)},
		}
	}
	for name, fx := range all(0) {
		wantCode(t, "most "+name, fx.Check(kind, domain.Input{Sender: "acme"}), "")
	}
	for name, fx := range all(1) {
		err := fx.Check(kind, domain.Input{Sender: "acme"})
		wantCode(t, "too many "+name, err, domain.LimitExceeded)
		if err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}

func repeat[T any](item T, n int) []T {
	items := make([]T, n)
	for i := range items {
		items[i] = item
	}
	return items
}
