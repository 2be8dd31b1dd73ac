// Package invoice is the contract kind invoice/1: an invoice that is paid when sensors and
// scans prove the delivery. What follows is its term sheet.
//
// # Parties
//
// Supplier, buyer, and a carrier if there is one; all are registered with the role of that name. Devices belong to
// the operators that the terms list: both sides agree whose evidence counts. Nobody arbitrates;
// what happens when the two disagree or keep silent is a number in the terms.
//
// # Life cycle
//
//	agreement  proposed -> agreed -> closed        proposed -> withdrawn | lapsed
//	shipment   planned -> despatched -> accepted -> settled
//	           planned -> cancelled
//	           despatched -> lost
//	           despatched -> inspection -> accepted | held | claimed
//	           held -> accepted | claimed | settled | returned
//	           claimed -> accepted | disputed | returned      disputed -> accepted | settled | returned
//
// The records are agreement/<id>, shipment/<id>, device/<id> (which shipment a device is bound
// to), trace/<shipment>/<device> and samples/<shipment>/<device>/<slice> (evidence, while it is
// gathered), and number/<hash> (an invoice number that its supplier has used).
//
// # Commands
//
// On an agreement:
//   - propose (Proposal), by supplier or buyer.
//   - agree (Agreeing), by the other one; it repeats the hash of the exact terms.
//   - withdraw, by the proposer, before the other one agreed.
//   - fund (Funding), by the buyer.
//   - close, by either one, while no shipment is open: unspent money goes back to the buyer.
//
// On a shipment:
//   - ship (Opening), by the supplier, because it declares the price, which a carrier must not
//     see. Needs the payable in the agreement's escrow and moves it to the shipment's.
//   - cancel, by supplier or buyer, while planned.
//   - deliver, by the supplier: the goods have arrived and no sensor says so. Always inspected.
//   - accept (Acceptance), by the buyer: in full, or with a deduction that the supplier may
//     concede or contest. In a dispute it may only lower what the buyer refuses.
//   - reject (Rejection), by the buyer, during the inspection, with a reason code.
//   - concede, contest, by the supplier, about a deduction or a rejection.
//
// Evidence comes as "observe", a signed message of one of the shipment's devices, and as
// "Equivocate", a second and different message with the identity of an earlier one.
//
// # What is proved, and when it is judged
//
// Delivery is proved at the reading that completes the agreed number of consecutive positions
// inside the fence and the agreed dwell, or at a scan of dock and goods in one message, or any
// or all of these. The condition is judged over [despatch, delivery], see condition.go for the formula.
// The judgement falls at one time: when the agreed wait for late messages has passed since the
// delivery and since the first sign of it. Until then order and lateness of messages change
// nothing; afterwards nothing is taken any more and the devices are free.
//
// The triggers of the terms say what makes an invoice accepted without a further word:
//   - delivered: always needed.
//   - conditionKept: no excursion counted. Without it an excursion only costs its penalty.
//   - accepted: never true by itself; the buyer's word or its silence is always waited for.
//
// Evidence is incomplete if coverage is below the agreed minimum, a gap is longer than agreed,
// a device equivocated, the delivery is late or sooner than possible, or nothing proved it.
// Then nothing is paid without the buyer's word, except under the silence and dispute rules,
// and silence never pays in full.
//
// # Money
//
//	payable                 declared by the supplier, held from despatch on
//	- penalty               rate x degree-minutes of each excursion, together at most the cap
//	- deduction             offered by the buyer, conceded by the supplier
//	= due                   to the supplier, floor 0; all else goes back to the buyer
//
//	accepted                due, on the day of payment
//	held, buyer silent      silencePercent (below 100) of payable - penalty
//	disputed, not settled   payable - penalty - claim, and disputePercent of the claim
//	claim not answered      as if conceded
//	lost, cancelled         nothing
//
// Each rounding is one domain.Round. An escrow is zero when its record is final.
//
// # Deadlines
//
//	Lapse    the proposal's answerBy          the proposal has lapsed
//	Expire   the terms' expiresAt             no more shipments; closes when none is open
//	Depart   the opening's despatchAt         planned becomes despatched
//	Judge    wait after delivery              the judgement
//	Overdue  withinMillis + graceMillis after despatch: what is proved is judged, else lost
//	Decide   inspectionMillis, then responseMillis: complete evidence is deemed accepted,
//	         incomplete is held and then paid by the silence rule, a claim is conceded, a dispute split
//	Pay      paymentDays x 24 h after acceptance
//
// # Who sees what
//
// Supplier and buyer see everything. The carrier sees of a shipment its ID, status, thresholds,
// times and delivery; never an agreement, a price, an invoice number or an amount.
//
// # Standards
//
// Reason codes are those of the Peppol BIS Invoice Response 3.0 (OPStatusReason). SSCC is GS1's,
// with its check digit. Positions are WGS 84. Acceptance makes the obligation unconditional, as
// in the ICC's URDTT.
//
// # Sizes
//
// A sample takes about 12 bytes, a message 34. Samples are kept in slices by observed time,
// so that one message rewrites only the slices it speaks of: at most 12 KiB each, 2 to 5 KiB
// usually. A trip of ten days, one device, a reading each 5 min, is 45 slices, some 180 KiB,
// until it is judged; with every limit reached a shipment keeps 11 MiB. Judging reads it all, once.
package invoice

import (
	"aval/domain"
)

// Kind is the name and version of these rules.
const Kind domain.Kind = "invoice/1"

// Contract is the kind invoice/1.
var Contract domain.Contract = contract{}

type contract struct{}

func (contract) Kind() domain.Kind { return Kind }

// Apply judges one command.
func (contract) Apply(v domain.View, in domain.Input) (domain.Effects, error) {
	c := call{view: v, in: in}
	name := in.Command.Name
	if domain.Internal(name) != in.FromDeadline() {
		return domain.Effects{}, domain.Refuse(domain.UnknownCommand, "command %.40q", name)
	}
	if err := c.checkBody(); err != nil {
		return domain.Effects{}, err
	}
	switch name {
	case "propose":
		return c.propose()
	case "agree":
		return c.agree()
	case "withdraw":
		return c.withdraw()
	case "fund":
		return c.fund()
	case "close":
		return c.close()
	case "ship":
		return c.ship()
	case "cancel":
		return c.cancel()
	case "deliver":
		return c.deliver()
	case "accept":
		return c.accept()
	case "reject":
		return c.reject()
	case "concede":
		return c.concede()
	case "contest":
		return c.contest()
	case domain.Observe:
		return c.observe()
	case domain.Equivocate:
		return c.equivocate()
	case lapse:
		return c.lapse()
	case expire:
		return c.expire()
	case depart:
		return c.depart()
	case judge:
		return c.judge()
	case overdue:
		return c.overdue()
	case decide:
		return c.decide()
	case pay:
		return c.pay()
	}
	return domain.Effects{}, domain.Refuse(domain.UnknownCommand, "command %.40q", name)
}

// The names of deadlines.
const (
	lapse   = "Lapse"
	expire  = "Expire"
	depart  = "Depart"
	judge   = "Judge"
	overdue = "Overdue"
	decide  = "Decide"
	pay     = "Pay"
)

// call is one Apply: what may be read and what is to be judged.
type call struct {
	view domain.View
	in   domain.Input
}

// checkBody refuses a body where the command has none.
func (c call) checkBody() error {
	switch c.in.Command.Name {
	case "withdraw", "close", "cancel", "concede", "contest":
		return c.in.Command.DecodeBody(&struct{}{})
	}
	return nil
}

// draft collects effects. Only encoding can fail while it grows, which is a bug and not a refusal.
type draft struct {
	fx  domain.Effects
	err error
}

func (d *draft) done() (domain.Effects, error) {
	if d.err != nil {
		return domain.Effects{}, d.err
	}
	return d.fx, nil
}

// put writes a record; final closes it.
func put[S any](d *draft, key string, state S, status string, final bool, parties ...domain.PartyID) {
	w, err := domain.Put(key, state, status, parties...)
	w.Final = final
	d.fx.Writes = append(d.fx.Writes, w)
	d.err = firstError(d.err, err)
}

// heldFor says whose money lies in the escrow of the record that was put last.
func (d *draft) heldFor(party domain.PartyID) { d.fx.Writes[len(d.fx.Writes)-1].HeldFor = party }

func (d *draft) event(name, key string, body any, parties ...domain.PartyID) {
	e, err := domain.NewEvent(name, key, body, parties...)
	d.fx.Events = append(d.fx.Events, e)
	d.err = firstError(d.err, err)
}

// move posts an amount, caused by the event that is told next; zero posts nothing.
func (d *draft) move(purpose string, from, to domain.AccountID, minor int64, currency domain.Currency) {
	if minor == 0 {
		return
	}
	d.fx.Postings = append(d.fx.Postings, domain.Posting{
		Debit: from, Credit: to, Amount: domain.Money{Minor: minor, Currency: currency}, Purpose: purpose, Cause: len(d.fx.Events),
	})
}

func (d *draft) deadline(contract, name string, at domain.Millis) {
	d.fx.Deadlines = append(d.fx.Deadlines, domain.Deadline{At: at, Contract: contract, Name: name})
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
