// Package invoice is the contract kind invoice/1: what is ordered, delivered, invoiced and paid,
// judged by sensors, scans and documents. What follows is its term sheet.
//
// # Parties
//
// Supplier and buyer; a carrier, a bank that undertakes to pay and an authority for insolvency if the terms name
// them. Devices belong to the operators that the terms list: both sides agree whose evidence counts. Nobody arbitrates;
// what happens when the two disagree or keep silent is a number in the terms.
//
// # Life cycle
//
//	agreement  proposed -> agreed -> closed | terminated -> closed     proposed -> withdrawn | lapsed
//	           agreed, amended by a hash that both have signed; what is open keeps its terms
//	shipment   planned -> despatched -> inTransit -> (judged) -> accepted
//	           planned -> cancelled                  despatched, inTransit -> lost
//	           judged, evidence complete -> delivered, or inspection after an excursion
//	                                     -> accepted | deemedAccepted | conditional | rejected
//	           judged, evidence incomplete -> conditional, inspected all the same
//	           despatched, inTransit, rejected -> returning -> returned
//	invoice    received (waits for goods) -> valid (goods under way) -> approved -> due -> settled -> closed
//	           valid -> exception (order or receipt cover less) | held (evidence incomplete, buyer silent)
//	           valid, held -> underQuery (the buyer refuses) -> disputed (the supplier contests)
//	           any of these -> approved | settled | credited | rejected, with nothing owed
//	dispute    open -> decided | withdrawn | timedOut
//
// Approved is where a debt becomes unconditional. A part may be: of an invoice in exception, query or dispute
// what is not in question is approved and paid, and only the rest waits.
//
// The records are agreement/<id> (terms, order lines and how far each has come), shipment/<id> (goods and evidence),
// invoice/<id> (what is asked for, and the escrow that pays it), dispute/<invoice>, device/<id> (which shipment a device
// is bound to), trace/<shipment>/<device>, samples/<shipment>/<device>/<slice> and register/<shipment>/<device> (evidence,
// while something may be judged by it), and number/<hash> (an invoice number that its supplier has used).
//
// # Commands
//
// On an agreement:
//   - propose (Proposal), by supplier or buyer; agree (Agreeing), by the other one, repeating the hash of the exact terms;
//     withdraw, by the proposer, before that.
//   - undertake (Agreeing), by the bank of the terms, before anything is shipped.
//   - amend (Proposal), by either side; agree and withdraw are for it too.
//   - fund (Funding), by who is to pay.
//   - close, by either side, while nothing under it is open: unspent money goes back. terminate, by either side: nothing new.
//   - suspend (Notice), resume, appoint (Appointment), by the authority; endorse (Appointment), by the buyer.
//
// On a shipment:
//   - ship (Opening), by the supplier. With a number and a payable it declares an invoice of the same ID too, the short way.
//   - cancel: by either side before despatch, without cost; after it by the supplier, or by a buyer who waited as many
//     days as agreed, and then it is a return. takeBack, by the supplier, ends one; return, by the buyer, begins one of rejected goods.
//   - deliver (Arrival), by the supplier: the goods have arrived and no sensor says so. Always inspected.
//   - receive (ReceiptAdvice), by the buyer: what arrived, was short, rejected or too much, line by line.
//   - excuse, by the buyer: a delay was force majeure.
//
// On an invoice:
//   - invoice (Declaration), by the supplier, about open shipments, or before its goods.
//   - respond (Response), by the buyer, in the codes of Peppol's Invoice Response. accept (Acceptance) and reject (Rejection)
//     are short for AP and CA, and RE. Accepting accepts the goods too. In a dispute the claim can only be lowered.
//   - concede, contest, by the supplier, about what is in question.
//   - pay, by who owes it: at once what is unconditional.
//
// On a dispute about withdrawn evidence: compensate (Compensation), by the supplier; drop, by the buyer.
//
// Evidence comes as "observe", a signed message of one of the shipment's devices, and as
// "Equivocate", a second and different message with the identity of an earlier one. A message may state business
// events, as carriers publish them: each counts once, if it names the goods or their container, until it is
// withdrawn or a later version replaces it; two contents under one name are an equivocation too. A
// publisher, a device that may serve many shipments, is heard in events alone.
//
// # What is proved, and when it is judged
//
// Delivery is proved at the reading that completes the agreed number of consecutive positions
// inside the fence and the agreed dwell, or at a scan of dock and goods in one message or by an event at the
// dock's GLN, or any or all of these. The condition is judged over [despatch, delivery], see condition.go for the formula.
// The judgement falls at one time: when the agreed wait for late messages has passed since the
// delivery and since the first sign of it. Until then order and lateness of messages change nothing; afterwards
// the devices are free and nothing is taken but withdrawals. A withdrawal before an invoice is approved is judged
// again and charged again; after it a dispute opens, the debt stands, and what was paid stays paid.
//
// The triggers of the terms say what makes goods accepted, and so their invoices approved, without a further word:
//   - delivered: a proof as above. received: the buyer's receipt advice. One of the two is needed,
//   - agreed: alone; the agreement makes invoices payable, whatever becomes of the goods.
//   - conditionKept: no excursion counted. Without it an excursion only costs its penalty.
//   - accepted: never true by itself; the buyer's word or its silence is always waited for.
//
// Evidence is incomplete if coverage is below the agreed minimum, a gap is longer than agreed,
// a device equivocated, a sealed load was opened on the way or arrives under other seals than customs or the supplier
// put on, the delivery is late or sooner than possible, or nothing proved it.
// Then nothing is paid without the buyer's word, except under the silence and dispute rules,
// and silence never pays in full.
//
// # Orders
//
// Under an order with lines, quantities are cumulative over shipments and invoices, in the line's unit:
//
//	accepted  = received - rejected - oversupply that the buyer does not keep; without a receipt, what was despatched
//	payable   = min(accepted, ordered + tolerance + oversupply kept) - billed before
//	mismatch  = invoiced - payable (QTY), or price - agreed price beyond its tolerance (PRI); action CNP
//
// Short within the tolerance (the lower of absolute and percent) the lower is paid without a question; beyond it
// the excess is in question. A mismatch is worth its share of the declared payable by net value, so that tax follows it.
// Without lines, a shipment that brought nothing is in question on its equal share (DEL, QUA).
//
// # Money
//
//	payable                 as declared; in escrow from then on, unless a bank has undertaken or the account is open
//	- credits               credit notes, and what the order or the receipt did not cover
//	- condition penalty     rate x degree-minutes of each excursion, together at most the cap
//	- late penalty          percent of the payable for each started day of the receiver, at most the cap
//	- claims                refused by the buyer, conceded by the supplier
//	- early discount
//	= due                   floor 0; each deduction is an item of the invoice, with its evidence
//
//	approved                due, on the day of payment; without the money it stays due, is tried again, never paid in part
//	held, buyer silent      silencePercent (below 100) of what is not deducted
//	disputed, not settled   all that is not in question, and disputePercent of the claim
//	claim not answered      as if conceded
//	lost, cancelled, returned, expired   nothing
//
// Each rounding is one domain.Round. An escrow is zero when its record is final. Under suspension nothing is paid
// but to whom a claim was assigned, and what a bank undertook; an insolvent supplier's administrator is paid once two have named it.
//
// # Debts
//
// With terms of debt (DebtTerms) days are local ones of a signed calendar, and without escrow the payer owes:
//
//	before the due day      early, by the supplier: less the discount, out of what the buyer set aside
//	on it                   collected when the day opens, and in its last millisecond; all or nothing
//	after it                due, with interest and a fixed fee; tried again retries times; in default after defaultDays
//	guaranteed              the bank pays at the end of the due day, and is owed the debt from then on
//	paid outside            instruct by the payer, confirm or returned by the payee; final after returnDays
//
// A credit note (credit) lowers the invoice that it names, what is in question first. What is left, the supplier
// owes: the buyer nets it against its oldest debts (net), never against one that is financed, or the supplier pays it back (refund).
//
// # Receivables
//
//	receivable  free -> offered -> reserved -> financed -> repaid | recoursed | defaulted      reserved -> offered | free
//
// An approved invoice may be financed. Its supplier controls it until the advance is paid, its financier from then on, and the
// supplier again once it repaid: one of the two at every moment. Records are receivable/<invoice>, offer/<id>,
// programme/<id> (limits), fingerprint/<hex> (what others see), request/<hash> (what a registry is asked), similar/<hex>.
//
//   - programme, offer, retract, advance, notify, recourse, remit, by a financier.
//   - invite, take, draw (a programme's standing price), repay, by the supplier.
//   - evaluate, clear, report, by the registry that the terms name.
//
// Payments go to the financier from the ledger time of its notice on: its claim (advance, simple interest to the
// day, flat fee) first, the rest to the supplier. An order given to a bank before the notice stays good. The supplier repays, by
// repayMillis, if less is due than the claim (dilution), if it was paid in trust, if the registry reports a second
// pledge, if nothing is owed in the end, and, where agreed, overdueDays after the due day.
//
// # Deadlines
//
//	Lapse    the proposal's answerBy          the proposal, or the amendment, has lapsed
//	Expire   the terms' expiresAt             no more shipments; closes when none is open
//	Depart   the opening's despatchAt         planned becomes despatched
//	Judge    wait after delivery              the judgement
//	Overdue  withinMillis + graceMillis after despatch: what is proved is judged, else lost
//	Decide   inspectionMillis, or inspectionDays of the receiver: complete evidence is deemed accepted, incomplete is conditional and its invoices held
//	Restock  inspectionMillis after a return began: the goods are taken to be back
//	File     invoiceMillis after the end of a shipment opened without an invoice: none comes any more
//	Answer   receiptMillis: an invoice before its goods has expired; responseMillis: what is held is paid by the silence rule, a claim is conceded, a dispute split
//	Archive  claimMillis after settlement: the invoice is closed
//	Sweep    the evidence of one of several shipments is closed
//	Elapse   responseMillis after a dispute opened: it leaves everything as it is
//	Pay      paymentDays x 24 h after approval, or as the terms of debt count
//	Default  defaultDays after the due day       the debt is in default, and stays owed
//	Close    returnDays after a payment outside  it is final
//	Unreserve, Unanswered, Forget                a reservation, a demand for repayment, an offer ends
//
// # Who sees what
//
// Supplier and buyer see everything. The carrier sees of a shipment its ID, status, thresholds,
// times, delivery, receipt and excursions; never an agreement, an invoice, a price or an amount. A bank that undertook to pay sees
// payable, what of it is approved and when it is due; the authority sees who is bound and until when, both without order and unit prices. A financier that was asked sees a fingerprint
// and a status, the chosen one also what is due, when, and since when it is approved, and no document. The buyer sees of a financing
// whom to pay, once it was told. A registry sees blinded elements, fingerprints and statuses.
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
// until nothing can be judged by it; with every limit reached a shipment keeps 11 MiB. Each judgement reads it all.
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
	name := in.Command.Name
	rule, known := rules[name]
	if !known || domain.Internal(name) != in.FromDeadline() {
		return domain.Effects{}, domain.Refuse(domain.UnknownCommand, "command %.40q", name)
	}
	d := &draft{view: v, in: in}
	if rule.bare {
		if err := in.Command.DecodeBody(&struct{}{}); err != nil {
			return domain.Effects{}, err
		}
	}
	if err := rule.judge(d); err != nil {
		return domain.Effects{}, err
	}
	return d.done()
}

// rule is what one command does. A bare one has no body.
type rule struct {
	judge func(*draft) error
	bare  bool
}

// The names of deadlines.
const (
	lapse   = "Lapse"
	expire  = "Expire"
	depart  = "Depart"
	judge   = "Judge"
	overdue = "Overdue"
	decide  = "Decide"
	file    = "File"
	answer  = "Answer"
	pay     = "Pay"
	archive = "Archive"

	lapseDebt  = "Default"
	closePaid  = "Close"
	forget     = "Forget"
	unreserve  = "Unreserve"
	unanswered = "Unanswered"
	restock    = "Restock"
	sweep      = "Sweep"
	elapse     = "Elapse"
)

var rules = map[string]rule{
	// of an agreement
	"propose":   {judge: (*draft).propose},
	"agree":     {judge: (*draft).agree},
	"undertake": {judge: (*draft).undertake},
	"withdraw":  {judge: (*draft).withdraw, bare: true},
	"fund":      {judge: (*draft).fund},
	"close":     {judge: (*draft).close, bare: true},
	"amend":     {judge: (*draft).amend},
	"terminate": {judge: (*draft).terminate, bare: true},
	"suspend":   {judge: (*draft).suspend},
	"resume":    {judge: (*draft).resume, bare: true},
	"appoint":   {judge: (*draft).appoint},
	"endorse":   {judge: (*draft).endorse},
	lapse:       {judge: (*draft).lapse},
	expire:      {judge: (*draft).expire},
	// of a shipment
	"ship":            {judge: (*draft).ship},
	"cancel":          {judge: (*draft).cancel, bare: true},
	"deliver":         {judge: (*draft).deliver},
	"receive":         {judge: (*draft).receive},
	"excuse":          {judge: (*draft).excuse, bare: true},
	"return":          {judge: (*draft).returnGoods, bare: true},
	"takeBack":        {judge: (*draft).takeBack, bare: true},
	restock:           {judge: (*draft).restock},
	sweep:             {judge: (*draft).sweepLater},
	domain.Observe:    {judge: (*draft).observe},
	domain.Equivocate: {judge: (*draft).equivocate},
	depart:            {judge: (*draft).depart},
	judge:             {judge: (*draft).judge},
	overdue:           {judge: (*draft).overdue},
	decide:            {judge: (*draft).decide},
	file:              {judge: (*draft).file},
	// of an invoice
	"invoice": {judge: (*draft).invoice},
	"accept":  {judge: (*draft).accept},
	"reject":  {judge: (*draft).reject},
	"respond": {judge: (*draft).respond},
	"concede": {judge: (*draft).concede, bare: true},
	"contest": {judge: (*draft).contest, bare: true},
	answer:    {judge: (*draft).answer},
	"pay":     {judge: (*draft).payNow, bare: true},
	pay:       {judge: (*draft).pay},
	archive:   {judge: (*draft).archive},
	// of a dispute
	"compensate": {judge: (*draft).compensate},
	"drop":       {judge: (*draft).drop, bare: true},
	elapse:       {judge: (*draft).elapse},
	// of a debt
	"early":     {judge: (*draft).early, bare: true},
	"guarantee": {judge: (*draft).guarantee},
	"instruct":  {judge: (*draft).instruct},
	"confirm":   {judge: (*draft).confirm},
	"returned":  {judge: (*draft).returned},
	lapseDebt:   {judge: (*draft).fallIntoDefault},
	closePaid:   {judge: (*draft).closePaid},
	// of a credit
	"credit": {judge: (*draft).credit},
	"net":    {judge: (*draft).netCredit, bare: true},
	"refund": {judge: (*draft).refund, bare: true},
	// of a receivable
	"invite":   {judge: (*draft).invite},
	"draw":     {judge: (*draft).draw},
	"advance":  {judge: (*draft).payAdvance, bare: true},
	"notify":   {judge: (*draft).notify, bare: true},
	"recourse": {judge: (*draft).recourse, bare: true},
	"repay":    {judge: (*draft).repay, bare: true},
	"remit":    {judge: (*draft).handOn, bare: true},
	unreserve:  {judge: (*draft).unreserve},
	unanswered: {judge: (*draft).demandUnanswered},
	// of an offer and a programme
	"offer":     {judge: (*draft).offerPrice},
	"retract":   {judge: (*draft).retract, bare: true},
	"take":      {judge: (*draft).take, bare: true},
	forget:      {judge: (*draft).forgetOffer},
	"programme": {judge: (*draft).programme},
	// of a fingerprint
	"evaluate": {judge: (*draft).evaluate},
	"clear":    {judge: (*draft).clearMark, bare: true},
	"report":   {judge: (*draft).report, bare: true},
}
