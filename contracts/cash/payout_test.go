package cash_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/contracts/cash"
	"aval/contracts/cash/iso20022"
	"aval/contracts/contracttest"
	"aval/domain"
)

var (
	hash   = strings.Repeat("a", 64)
	debtor = iso20022.Account{Name: "Bank", Number: "CH9300762011623852957"}
	payTo  = cash.Account{Name: "Acme", IBAN: "DE89370400440532013000", BIC: "COBADEFFXXX"}
)

func instruction(at domain.Millis, payments ...cash.PaymentRef) cash.Instruction {
	for i := range payments {
		payments[i].Account = payTo.IBAN
	}
	first, _ := cash.PaymentID(contracttest.Ledger, "bank", payments[0].ID, payments[0].Attempt)
	return cash.Instruction{
		Message: cash.MessageID(first), CreatedAt: at, ExecuteOn: domain.Day(at), Debtor: debtor, Hash: hash, Payments: payments,
	}
}

func advice(id string, attempt int, message string) cash.Advice {
	e2e, _ := cash.PaymentID(contracttest.Ledger, "bank", id, attempt)
	return cash.Advice{Message: message, Entry: "Ntry[1]", Hash: hash, Attempt: attempt, EndToEndID: e2e}
}

func booking(id string, attempt int, message string, minor int64) cash.Booking {
	return cash.Booking{
		Advice: advice(id, attempt, message), Amount: eur(minor), Direction: iso20022.Debit, Account: debtor.Number, Status: iso20022.Booked,
	}
}

// payable is a bench on which acme asked for 40.00 EUR to its account, as R-1.
func payable(t testing.TB) *contracttest.Bench {
	t.Helper()
	b := bank(t)
	must(t, b.Send(start, "acme", "cash/1", "bank", "payTo", object{"currency": "EUR", "account": payTo}))
	must(t, b.Send(start, "bank", "cash/1", "bank", "approvePayTo", object{"party": "acme", "currency": "EUR", "number": 1}))
	must(t, b.Send(start, "acme", "cash/1", "bank", "redeem", object{"id": "R-1", "amount": eur(4000), "reference": "r"}))
	return b
}

// sent is payable after its first instruction.
func sent(t testing.TB) *contracttest.Bench {
	t.Helper()
	b := payable(t)
	must(t, b.Send(start, "bank", "cash/1", "bank", "instruct", instruction(start, cash.PaymentRef{ID: "R-1", Attempt: 1})))
	return b
}

func TestPaymentIDs(t *testing.T) {
	if e2e, _ := cash.PaymentID("aval.example/trade", "bank", "r-1", 1); e2e != "b3d25bbe48734fb185fc9dc7c6bbd20f" {
		t.Errorf("%s is not the example of docs/formats.md", e2e)
	}
	seen := map[string]bool{}
	for _, ledger := range []string{"a", "b"} {
		for _, bank := range []domain.PartyID{"x", "y"} {
			for _, id := range []string{"R-1", "R-11", "1"} {
				for _, attempt := range []int{1, 2, 11} {
					e2e, uetr := cash.PaymentID(ledger, bank, id, attempt)
					if seen[e2e] || len(e2e) != 32 || uetr != e2e[:8]+"-"+e2e[8:12]+"-"+e2e[12:16]+"-"+e2e[16:20]+"-"+e2e[20:] || uetr[14] != '4' {
						t.Errorf("%s %s of %s %s %s %d", e2e, uetr, ledger, bank, id, attempt)
					}
					if m := cash.MessageID(e2e); len(m) > iso20022.MaxID {
						t.Errorf("message ID %s is too long", m)
					}
					seen[e2e] = true
				}
			}
		}
	}
}

// TestAnInstructionIsAMessage: the ledger's records make the message, again and again the same.
func TestAnInstructionIsAMessage(t *testing.T) {
	b := sent(t)
	var r cash.Redemption
	var i cash.Instruction
	e2e, uetr := cash.PaymentID(contracttest.Ledger, "bank", "R-1", 1)
	if !b.Body("cash/1", "redemption/R-1", &r) || !b.Body("cash/1", "instruction/"+cash.MessageID(e2e), &i) {
		t.Fatal("no records")
	}
	text, err := i.Initiation(contracttest.Ledger, "bank", []cash.Redemption{r}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<MsgId>AV" + e2e, "<EndToEndId>" + e2e, uetr, ">40.00<", payTo.IBAN, debtor.Number, "<Ustrd>r<", "<Dt>2023-11-14<"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

func TestRedeemRefusesAPayoutThatNoBankCouldMake(t *testing.T) {
	due := func(remitted int64) []iso20022.Document {
		return []iso20022.Document{{Type: "CINV", Number: "7", Due: eur(remitted), Remitted: eur(remitted)}}
	}
	for name, c := range map[string]struct {
		body object
		want domain.Code
	}{
		"documents of more":    {object{"documents": due(4001)}, domain.InvalidTerms},
		"nobody behind":        {object{"ultimateCreditor": object{"name": ""}}, domain.Malformed},
		"a wrong LEI":          {object{"ultimateDebtor": object{"name": "A", "lei": "5493001KJTIIGC8Y1R13"}}, domain.Malformed},
		"a field of no payout": {object{"iban": "x"}, domain.Malformed},
		"right":                {object{"documents": due(4000), "ultimateCreditor": object{"name": "Seller", "lei": "5493001KJTIIGC8Y1R12"}}, ""},
	} {
		b := bank(t)
		c.body["id"], c.body["amount"] = "R-1", eur(4000)
		if err := b.Send(start, "acme", "cash/1", "bank", "redeem", c.body); code(err) != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func TestInstructRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		sender domain.PartyID
		change func(i *cash.Instruction)
		want   domain.Code
	}{
		"another bank":       {"rival", func(*cash.Instruction) {}, domain.NotPermitted},
		"its own message ID": {"bank", func(i *cash.Instruction) { i.Message = "M-1" }, domain.InvalidTerms},
		"long ago":           {"bank", func(i *cash.Instruction) { i.CreatedAt -= domain.MaxCommandLifetime + 1 }, domain.InvalidTerms},
		"no day":             {"bank", func(i *cash.Instruction) { i.ExecuteOn = "" }, domain.Malformed},
		"a far day":          {"bank", func(i *cash.Instruction) { i.ExecuteOn = "2025-11-14" }, domain.LimitExceeded},
		"no debtor":          {"bank", func(i *cash.Instruction) { i.Debtor = iso20022.Account{} }, domain.Malformed},
		"no hash":            {"bank", func(i *cash.Instruction) { i.Hash = "A" + i.Hash[1:] }, domain.Malformed},
		"the same twice":     {"bank", func(i *cash.Instruction) { i.Payments = append(i.Payments, i.Payments[0]) }, domain.Malformed},
		"nothing known":      {"bank", func(i *cash.Instruction) { i.Payments = append(i.Payments, cash.PaymentRef{ID: "R-9", Attempt: 1}) }, domain.NotFound},
		"another account":    {"bank", func(i *cash.Instruction) { i.Payments[0].Account = "1" }, domain.WrongState},
		"a later attempt":    {"bank", func(i *cash.Instruction) { *i = instruction(start, cash.PaymentRef{ID: "R-1", Attempt: 2}) }, domain.WrongState},
		"too many": {"bank", func(i *cash.Instruction) {
			i.Payments = append(i.Payments, make([]cash.PaymentRef, cash.MaxInstruction)...)
		}, domain.LimitExceeded},
	} {
		b := payable(t)
		i := instruction(start, cash.PaymentRef{ID: "R-1", Attempt: 1})
		c.change(&i)
		if err := b.Send(start, c.sender, "cash/1", "bank", "instruct", i); code(err) != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
		expect(t, b, cash.Requested, 6000, 4000, 10_000)
	}
}

func TestAnotherBankKnowsNothing(t *testing.T) {
	b := sent(t)
	rival, _ := cash.PaymentID(contracttest.Ledger, "rival", "R-1", 1)
	for _, e2e := range []string{rival, booking("R-1", 1, "M", 1).EndToEndID} {
		w := booking("R-1", 1, "M", 4000)
		w.EndToEndID = e2e
		if err := b.Send(start, "rival", "cash/1", "R-1", "book", w); code(err) != domain.NotFound {
			t.Error(err)
		}
		if err := b.Send(start, "rival", "cash/1", "R-1", "report", cash.Report{Advice: w.Advice, Status: "ACSC"}); code(err) != domain.NotFound {
			t.Error(err)
		}
	}
	if err := b.Send(start, "rival", "cash/1", "bank", "instruct", instruction(start, cash.PaymentRef{ID: "R-1", Attempt: 2})); code(err) != domain.NotPermitted {
		t.Error(err)
	}
	expect(t, b, cash.Instructed, 6000, 4000, 10_000)
}

// word is one message of a bank about R-1, as the law draws it.
type word struct {
	verb string
	body any
	// pays says that it claims the right amount was paid, comesBack that it came back.
	pays, comesBack bool
}

func drawWord(t *rapid.T) word {
	attempt := rapid.IntRange(1, 3).Draw(t, "attempt")
	a := advice("R-1", attempt, fmt.Sprint("M-", rapid.IntRange(1, 40).Draw(t, "message")))
	a.Entry = rapid.SampledFrom([]string{"Ntry[1]", "Ntry[2]"}).Draw(t, "entry")
	if rapid.Bool().Draw(t, "report") {
		status := rapid.SampledFrom([]string{"ACTC", "ACSP", "ACSC", "RJCT", "PART", "XXXX"}).Draw(t, "status")
		a.Reason = rapid.SampledFrom([]string{"", "AM04", "DU01"}).Draw(t, "reason")
		return word{"report", cash.Report{Advice: a, Status: status}, status == "ACSC", false}
	}
	w := booking("R-1", attempt, "", rapid.SampledFrom([]int64{4000, 4000, 4000, 3999}).Draw(t, "minor"))
	w.Advice = a
	if rapid.Bool().Draw(t, "payee") {
		w.Direction, w.Account = iso20022.Credit, payTo.IBAN
	}
	w.Returned = rapid.IntRange(0, 3).Draw(t, "returned") == 0
	w.Reversal = rapid.IntRange(0, 7).Draw(t, "reversal") == 0
	back := w.Returned || w.Reversal
	return word{"book", w, !back && w.Amount.Minor == 4000, back && w.Amount.Minor == 4000}
}

// TestLawBankMessages lets a bank say anything in any order, also twice, and instruct, resolve and wait in between. The bench
// holds conservation after each step; the rest is held here.
func TestLawBankMessages(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := payable(t)
		now := start
		var judged []word
		paid, back := 0, 0
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			now += domain.Millis(rapid.Int64Range(1, 3*24*60*60*1000).Draw(rt, "wait"))
			b.Advance(now)
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0, 1, 2:
				for attempt := 1; attempt <= 3; attempt++ {
					_ = b.Send(now, "bank", "cash/1", "bank", "instruct", instruction(now, cash.PaymentRef{ID: "R-1", Attempt: attempt}))
				}
			case 3:
				resolveAll(b, now)
			case 4:
				if len(judged) > 0 {
					repeat(rt, b, now, rapid.SampledFrom(judged).Draw(rt, "again"))
				}
			default:
				w := drawWord(rt)
				if b.Send(now, "bank", "cash/1", "R-1", w.verb, w.body) == nil {
					judged = append(judged, w)
					if w.pays {
						paid++
					}
					if w.comesBack {
						back++
					}
				}
			}
			checkPayment(rt, b, paid, back)
		}
	})
}

// repeat sends a word again: nothing may happen.
func repeat(t *rapid.T, b *contracttest.Bench, now domain.Millis, w word) {
	events := len(b.Events())
	if err := b.Send(now, "bank", "cash/1", "R-1", w.verb, w.body); code(err) != domain.AlreadyExists || len(b.Events()) != events {
		t.Fatalf("%s told twice: %v", w.verb, err)
	}
}

func resolveAll(b *contracttest.Bench, now domain.Millis) {
	for _, e := range b.Events() {
		if e.Name == "exceptionOpened" {
			_ = b.Send(now, "bank", "cash/1", strings.TrimPrefix(e.Key, "exception/"), "resolve", object{"note": "seen"})
		}
	}
}

// checkPayment holds what must be true of R-1 at any time.
func checkPayment(t *rapid.T, b *contracttest.Bench, paid, back int) {
	var r cash.Redemption
	b.Body("cash/1", "redemption/R-1", &r)
	left, returned := 0, 0
	for _, p := range b.Postings() {
		switch p.Purpose {
		case "redeemed":
			left++
		case "returned":
			returned++
		}
	}
	outside := left - returned
	held := b.Balance(escrow, "EUR")
	ended := r.Status == cash.Returned || r.Status == cash.Refused
	switch {
	case outside != 0 && outside != 1, (outside == 1) != (r.Status == cash.Settled):
		t.Fatalf("paid %d times, %s", outside, r.Status)
	case left > paid, returned > back:
		t.Fatalf("paid %d and returned %d times, but the bank said so %d and %d times", left, returned, paid, back)
	case (held == 4000) != (outside == 0 && !ended), held != 0 && held != 4000:
		t.Fatalf("%d held when %s", held, r.Status)
	case r.Status == cash.Instructed && r.Exceptions < 0, r.Exceptions != openExceptions(b) && !b.Final("cash/1", "redemption/R-1"):
		t.Fatalf("counts %d exceptions, %d are open", r.Exceptions, openExceptions(b))
	}
	if total := b.Balance("party/acme", "EUR") + held + b.Balance("issue/bank", "EUR"); total != 0 {
		t.Fatalf("acme, escrow and bank together: %d", total)
	}
}

func openExceptions(b *contracttest.Bench) (n int) {
	for _, e := range b.Events() {
		switch e.Name {
		case "exceptionOpened":
			n++
		case "exceptionResolved":
			n--
		}
	}
	return n
}

// TestOrderDoesNotMatter: the words on a payment that succeeds end the same in whatever order they come.
func TestOrderDoesNotMatter(t *testing.T) {
	atPayee := booking("R-1", 1, "M-3", 4000)
	atPayee.Direction, atPayee.Account = iso20022.Credit, payTo.IBAN
	words := []word{
		{verb: "report", body: cash.Report{Advice: advice("R-1", 1, "M-1"), Status: "ACSP"}}, {verb: "book", body: booking("R-1", 1, "M-2", 4000)},
		{verb: "book", body: atPayee}, {verb: "report", body: cash.Report{Advice: advice("R-1", 1, "M-4"), Status: "ACSC"}},
	}
	orders := 0
	permute(words, func(order []word) {
		orders++
		b := sent(t)
		for _, w := range order {
			must(t, b.Send(start, "bank", "cash/1", "R-1", w.verb, w.body))
		}
		expect(t, b, cash.Settled, 6000, 0, 6000)
		var r cash.Redemption
		b.Body("cash/1", "redemption/R-1", &r)
		if !r.Payment.Debited || !r.Payment.Credited || r.Exceptions != 0 {
			t.Errorf("%+v", r.Payment)
		}
	})
	if orders != 24 {
		t.Errorf("%d orders", orders)
	}
}

func permute(all []word, try func([]word)) {
	var walk func(done, rest []word)
	walk = func(done, rest []word) {
		if len(rest) == 0 {
			try(done)
		}
		for i := range rest {
			walk(append(slices.Clone(done), rest[i]), slices.Delete(slices.Clone(rest), i, i+1))
		}
	}
	walk(nil, all)
}

// TestTheBankMaySayItself: settle and refuse go on working beside messages, and a booking confirms what was settled by hand.
func TestTheBankMaySayItself(t *testing.T) {
	b := sent(t)
	if err := b.Send(start, "bank", "cash/1", "R-1", "refuse", object{"reason": "x"}); code(err) != domain.WrongState {
		t.Errorf("refused with a payment under way: %v", err)
	}
	must(t, b.Send(start, "bank", "cash/1", "R-1", "settle", object{"reference": "seen on paper"}))
	expect(t, b, cash.Settled, 6000, 0, 6000)
	must(t, b.Send(start, "bank", "cash/1", "R-1", "book", booking("R-1", 1, "M", 4000)))
	expect(t, b, cash.Settled, 6000, 0, 6000)
	b.Advance(start + cash.ReturnWindow)
	if !b.Final("cash/1", "redemption/R-1") {
		t.Error("open after the window for returns")
	}
	if err := b.Send(start+cash.ReturnWindow, "", "cash/1", "R-1", "Close", nil); code(err) != domain.NotFound {
		t.Errorf("closed twice: %v", err)
	}
}

// TestAttemptsEnd: the last attempt that is allowed is rejected, and then the bank can only refuse.
func TestAttemptsEnd(t *testing.T) {
	b := payable(t)
	for attempt := 1; attempt <= cash.MaxAttempts; attempt++ {
		must(t, b.Send(start, "bank", "cash/1", "bank", "instruct", instruction(start, cash.PaymentRef{ID: "R-1", Attempt: attempt})))
		must(t, b.Send(start, "bank", "cash/1", "R-1", "report", cash.Report{Advice: advice("R-1", attempt, fmt.Sprint("M-", attempt)), Status: "RJCT"}))
	}
	err := b.Send(start, "bank", "cash/1", "bank", "instruct", instruction(start, cash.PaymentRef{ID: "R-1", Attempt: cash.MaxAttempts + 1}))
	if code(err) != domain.LimitExceeded {
		t.Error(err)
	}
	must(t, b.Send(start, "bank", "cash/1", "R-1", "refuse", object{"reason": "no account takes it"}))
	expect(t, b, cash.Refused, 10_000, 0, 10_000)
}
