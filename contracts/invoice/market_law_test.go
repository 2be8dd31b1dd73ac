package invoice

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
)

// trader plays anybody's commands on three invoices at random, most of which are refused.
type trader struct {
	*story
	rt       *rapid.T
	registry registryOf
	invoices []string
	numbers  int
	// out counts advances that have not come back, of the events seen so far.
	out  map[string]int
	seen int
}

func (m *trader) pick(label string, of ...string) string {
	return rapid.SampledFrom(of).Draw(m.rt, label)
}

// next draws a number that was not used, or rarely one that was.
func (m *trader) next(label string) string {
	m.numbers++
	return fmt.Sprintf("%s-%d", label, rapid.IntRange(max(1, m.numbers-1), m.numbers).Draw(m.rt, "number"))
}

// step draws one command of one party. What it asks for is plausible, and rarely allowed.
func (m *trader) step() {
	id := m.pick("invoice", m.invoices...)
	factor := domain.PartyID(m.pick("financier", "factor", "rival"))
	minor := rapid.Int64Range(1, 350_000).Draw(m.rt, "minor")
	programme := "P-" + string(factor)
	switch m.pick("step", "deal", "deal", "deal", "deal", "finance", "finance", "finance", "finance", "finance", "fund", "accept", "reject", "concede", "contest", "early", "pay", "guarantee", "instruct", "confirm", "confirm", "returned", "returned", "credit", "net",
		"refund", "invite", "evaluate", "clear", "report", "offer", "take", "draw", "advance", "notify", "recourse", "repay", "remit", "retract", "programme",
		"suspend", "resume", "resume", "appoint") {
	case "suspend":
		_ = m.try("other", "suspend", "A", Notice{m.pick("side", TheSupplier, TheBuyer)})
	case "resume":
		_ = m.try("other", "resume", "A", nil)
	case "appoint":
		_ = m.try("other", "appoint", "A", Appointment{"hauler"})
		_ = m.try("bistro", "endorse", "A", Appointment{"hauler"})
	case "deal":
		m.deal(id, factor, m.pick("how", "draw", "offer"))
	case "fund":
		_ = m.try("bistro", "fund", "A", Funding{euro(minor)})
	case "accept":
		_ = m.try("bistro", "accept", id, Acceptance{})
	case "reject":
		_ = m.try("bistro", "reject", id, Rejection{"QUA"})
	case "concede":
		_ = m.try("acme", "concede", id, nil)
	case "contest":
		_ = m.try("acme", "contest", id, nil)
	case "early":
		_ = m.try("acme", "early", id, nil)
	case "pay":
		_ = m.try("bistro", "pay", id, nil)
	case "guarantee":
		_ = m.try("bank", "guarantee", id, Underwriting{euro(m.billOf(id).Cleared - m.billOf(id).Paid)})
	case "instruct":
		_ = m.try("bistro", "instruct", id, Ordering{"E2E-" + id})
	case "confirm":
		if b := m.billOf(id); b.Instruction != nil {
			_ = m.try(b.Instruction.Payee, "confirm", id, Confirming{"E2E-" + id, euro(b.Instruction.Owing.total())})
		}
	case "returned":
		if b := m.billOf(id); b.Instruction != nil {
			_ = m.try(b.Instruction.Payee, "returned", id, Ordering{"E2E-" + id})
		}
	case "credit":
		body := Crediting{Agreement: "A", Invoice: m.pick("of", append(m.invoices, "")...), Number: m.next("CN"), TypeCode: "381", Amount: euro(minor)}
		if rapid.Bool().Draw(m.rt, "negative") {
			body.TypeCode, body.Amount.Minor = "380", -minor
		}
		_ = m.try("acme", "credit", m.next("C"), body)
	case "net":
		_ = m.try("bistro", "net", fmt.Sprintf("C-%d", rapid.IntRange(1, max(1, m.numbers)).Draw(m.rt, "credit")), nil)
	case "refund":
		_ = m.try("acme", "refund", fmt.Sprintf("C-%d", rapid.IntRange(1, max(1, m.numbers)).Draw(m.rt, "credit")), nil)
	case "invite":
		_ = m.try("acme", "invite", id, Inviting{Financiers: []domain.PartyID{"factor", "rival"}, Seed: seed(id[0])})
	case "evaluate":
		m.evaluate(id)
	case "clear", "report":
		if mark := m.markOf(id); mark != "" {
			_ = m.try("registry", m.pick("word", "clear", "clear", "clear", "report"), mark, nil)
		}
	case "offer":
		p := price()
		p.Notify, p.OverdueDays = rapid.Bool().Draw(m.rt, "notify"), rapid.SampledFrom([]int64{0, 5}).Draw(m.rt, "overdue")
		p.AdvancePercent = m.pick("advance", "80", "100")
		_ = m.try(factor, "offer", m.next("O"), Offering{Fingerprint: m.markOf(id), Programme: programme, Price: p, ExpiresAt: m.Now() + 5*Day})
	case "take":
		_ = m.try("acme", "take", fmt.Sprintf("O-%d", rapid.IntRange(1, max(1, m.numbers)).Draw(m.rt, "offer")), nil)
	case "retract":
		_ = m.try(factor, "retract", fmt.Sprintf("O-%d", rapid.IntRange(1, max(1, m.numbers)).Draw(m.rt, "offer")), nil)
	case "draw":
		_ = m.try("acme", "draw", id, Drawing{programme, seed(id[0])})
	case "programme":
		body := programmeOf(rapid.SampledFrom([]int64{50_000, 300_000, 1_000_000}).Draw(m.rt, "limit"))
		if p := price(); rapid.Bool().Draw(m.rt, "standing") {
			body.Standing = &p
		}
		_ = m.try(factor, "programme", programme, body)
	default:
		m.finance(id, factor)
	}
}

// deal goes the whole way to a financing, as far as it is allowed.
func (m *trader) deal(id string, factor domain.PartyID, how string) {
	p := price()
	p.Notify, p.OverdueDays = rapid.Bool().Draw(m.rt, "notify"), rapid.SampledFrom([]int64{0, 5}).Draw(m.rt, "overdue")
	if how == "draw" {
		_ = m.try("acme", "draw", id, Drawing{"P-" + string(factor), seed(id[0])})
		m.evaluate(id)
	} else {
		_ = m.try("acme", "invite", id, Inviting{Financiers: []domain.PartyID{"factor", "rival"}, Seed: seed(id[0])})
		m.evaluate(id)
		m.numbers++
		offer := fmt.Sprintf("O-%d", m.numbers)
		_ = m.try(factor, "offer", offer, Offering{Fingerprint: m.markOf(id), Programme: "P-" + string(factor), Price: p, ExpiresAt: m.Now() + 5*Day})
		_ = m.try("acme", "take", offer, nil)
	}
	if mark := m.markOf(id); mark != "" {
		_ = m.try("registry", "clear", mark, nil)
	}
	_ = m.try(factor, "advance", id, nil)
}

// finance draws a command of the partners of a financing.
func (m *trader) finance(id string, factor domain.PartyID) {
	switch name := m.pick("finance", "advance", "advance", "notify", "recourse", "repay", "remit"); name {
	case "repay":
		_ = m.try("acme", name, id, nil)
	default:
		_ = m.try(factor, name, id, nil)
	}
}

func (m *trader) evaluate(id string) {
	var asked Asked
	key := requestKey(seed(id[0]))
	if m.Body(Kind, key, &asked) && !m.Final(Kind, key) {
		m.must("registry", "evaluate", key[len("request/"):], m.registry.answer(m.t, asked.Request))
	}
}

func (m *trader) markOf(id string) string {
	var r Receivable
	m.Body(Kind, receivableKey(id), &r)
	return r.Fingerprint
}

func (m *trader) billOf(id string) (b Bill) {
	m.Body(Kind, billKey(id), &b)
	return b
}

// laws are what holds after every step, whatever it was.
func (m *trader) laws() {
	m.count()
	used := map[string]int64{}
	for _, id := range m.invoices {
		b := m.billOf(id)
		if b.Paid > b.Cleared || b.Cleared > b.Payable || b.Paid > 0 && b.ApprovedOn == "" {
			m.rt.Fatalf("invoice %s: paid %d of %d cleared of %d declared, approved on %q", id, b.Paid, b.Cleared, b.Payable, b.ApprovedOn)
		}
		if held := m.Balance(domain.EscrowAccount(Kind, receivableKey(id)), "EUR"); held != 0 {
			m.rt.Fatalf("receivable %s keeps %d", id, held)
		}
		var r Receivable
		if !m.Body(Kind, receivableKey(id), &r) {
			continue
		}
		m.controlled(id, r)
		if r.Status == Reserved || r.Status == Financed {
			used[r.Deal.Programme] += r.Deal.Advance
		}
	}
	for _, id := range []string{"P-factor", "P-rival"} {
		var p Programme
		m.Body(Kind, programmeKey(id), &p)
		if p.Used != used[id] || len(p.Buyers) > 0 && (p.Buyers[0].Used != p.Used || p.Suppliers[0].Used != p.Used) {
			m.rt.Fatalf("programme %s counts %d, %+v, %+v; its deals are %d", id, p.Used, p.Buyers, p.Suppliers, used[id])
		}
	}
}

// controlled asserts that exactly one party controls the receivable, the one that its status says.
func (m *trader) controlled(id string, r Receivable) {
	want := domain.PartyID("acme")
	if slices.Contains([]string{Financed, Repaid, Defaulted}, r.Status) {
		want = r.Deal.Financier
	}
	if r.Controller != want {
		m.rt.Fatalf("receivable %s is %s, and %s controls it", id, r.Status, r.Controller)
	}
}

// count asserts that no receivable is advanced on twice without having come back.
func (m *trader) count() {
	events := m.Events()
	for _, e := range events[m.seen:] {
		switch e.Name {
		case "ReceivableFinanced":
			m.out[e.Key]++
		case "ReceivableRecoursed":
			m.out[e.Key]--
		}
		if m.out[e.Key] > 1 {
			m.rt.Fatalf("%s is financed twice", e.Key)
		}
	}
	m.seen = len(events)
}

// The laws of money: whatever parties do in whatever order, the bench conserves money and keeps no account
// below zero; a receivable has one controller and is financed once; nothing is paid before approval
// nor beyond what is declared; limits count what is out; and in the end no escrow keeps anything.
func TestLawsOfTheMarket(t *testing.T) {
	registry, terms := registered(t)
	rapid.Check(t, func(rt *rapid.T) {
		terms := terms
		terms.Authority = "other"
		terms.PaymentDays = rapid.SampledFrom([]int64{0, 3, 30}).Draw(rt, "days")
		if rapid.IntRange(0, 3).Draw(rt, "escrow") == 0 {
			terms.Settlement = Escrow
		}
		if rapid.Bool().Draw(rt, "no registry") {
			debt := *terms.Debt
			debt.Registry = nil
			terms.Debt = &debt
		}
		m := &trader{market(t, terms), rt, registry, []string{"S", "T", "U"}, 0, map[string]int{}, 0}
		m.Fund("acme", euro(300_000))
		if terms.Settlement == Escrow {
			m.must("bistro", "fund", "A", Funding{euro(400_000)})
		}
		for i, id := range m.invoices {
			o := opening()
			o.SSCC, o.Number, o.Payable, o.Devices = sscc, "INV-"+id, euro(300_000), []string{[]string{"probe", "second", "third"}[i]}
			m.must("acme", "ship", id, o)
			if rapid.IntRange(0, 5).Draw(rt, "approved") > 0 {
				m.must("bistro", "accept", id, Acceptance{})
			}
		}
		for _, f := range []domain.PartyID{"factor", "rival"} {
			body, p := programmeOf(1_000_000), price()
			p.Notify = rapid.Bool().Draw(rt, "notify")
			body.Standing = &p
			m.must(f, "programme", "P-"+string(f), body)
		}
		for range rapid.IntRange(5, 60).Draw(rt, "steps") {
			m.step()
			m.laws()
			if rapid.IntRange(0, 2).Draw(rt, "wait") == 0 {
				m.Advance(m.Now() + domain.Millis(rapid.Int64Range(0, int64(6*Day)).Draw(rt, "wait")))
				m.laws()
			}
		}
		m.end()
	})
}

// end lets everybody do what they owe, and asserts that nothing stays in escrow.
func (m *trader) end() {
	m.Advance(m.Now() + 120*Day)
	m.laws()
	_ = m.try("other", "resume", "A", nil)
	m.Fund("bistro", euro(1_000_000))
	m.Fund("acme", euro(1_000_000))
	for _, id := range m.invoices {
		if b := m.billOf(id); b.Instruction != nil {
			_ = m.try(b.Instruction.Payee, "returned", id, Ordering{"E2E-" + id})
		}
		_ = m.try("bistro", "pay", id, nil)
		_ = m.try("acme", "repay", id, nil)
		for _, f := range []domain.PartyID{"factor", "rival"} {
			_ = m.try(f, "remit", id, nil)
		}
	}
	for n := range m.numbers + 1 {
		_ = m.try("acme", "refund", fmt.Sprintf("C-%d", n), nil)
	}
	m.Advance(m.Now() + 120*Day)
	m.laws()
	_ = m.try("bistro", "close", "A", nil)
	if !m.Final(Kind, "agreement/A") {
		m.rt.Fatalf("the agreement does not end: %s; %v", m.Status(Kind, "agreement/A"), m.states())
	}
	for _, id := range m.invoices {
		if !m.Final(Kind, billKey(id)) || m.markOf(id) != "" && !m.Final(Kind, receivableKey(id)) {
			m.rt.Fatalf("invoice %s does not end: %v", id, m.states())
		}
	}
	for _, key := range []string{"agreement/A", "guarantee/S", "guarantee/T", "guarantee/U", "invoice/S", "invoice/T", "invoice/U"} {
		if held := m.Balance(domain.EscrowAccount(Kind, key), "EUR"); held != 0 {
			m.rt.Fatalf("%s keeps %d", key, held)
		}
	}
}

func (m *trader) states() (all []string) {
	for _, id := range m.invoices {
		all = append(all, fmt.Sprintf("%+v", m.billOf(id)), m.Status(Kind, receivableKey(id)))
	}
	return all
}
