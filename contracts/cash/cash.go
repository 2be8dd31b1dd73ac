// Package cash is the contract kind "cash/1": settlement money that a bank issues against
// deposits outside the ledger, that parties transfer, and that they redeem at the bank.
//
// # Parties
//
// The issuing bank holds role bank. The first bank to issue a currency owns the record
// currency/<code> and stays the only issuer of that currency: money of one currency is
// a claim on one bank, and every event about it names that bank. Any registered party may hold,
// transfer and redeem. Losing the role ends issuing; it does not end the duty to settle.
//
// # Commands
//
//	issue         by the bank   contract: its own ID      {to, amount, reference, valueDate}
//	transfer      by a holder   contract: the bank's ID   {to, amount, reference, valueDate}
//	bulkIssue     by the bank   contract: its own ID      {items: [{to, amount, reference, valueDate}]}
//	bulkTransfer  by a holder   contract: the bank's ID   {items: [{to, amount, reference, valueDate}]}
//	reverse       by the payee  contract: the bank's ID   {index, number, amount, reference, valueDate}
//	hold          by a holder   contract: the bank's ID   {id, to, amount, expiresAt, reference}
//	capture       by the payee  contract: the hold        {amount, final, valueDate}
//	release       by the payee  contract: the hold        {}    after expiry by the payer too
//	redeem        by a holder   contract: the bank's ID   {id, amount, reference, ultimateDebtor, ultimateCreditor, documents}
//	accept        by the bank   contract: the redemption  {}
//	settle        by the bank   contract: the redemption  {reference}
//	refuse        by the bank   contract: the redemption  {reason}
//	instruct      by the bank   contract: its own ID      Instruction: {message, createdAt, executeOn, debtor, hash, payments}
//	report        by the bank   contract: the redemption  Report: a word of its bank's pain.002
//	book          by the bank   contract: the redemption  Booking: an entry of a camt.054
//	resolve       by the bank   contract: the exception   {note}
//	limit         by bank or owner  contract: the bank's ID  {party, currency, bounds}
//	payTo         by a holder   contract: the bank's ID   {currency, account: {iban or other, bic, name}}
//	approvePayTo  by the bank, or another key of the holder's  contract: the bank's ID  {party, currency, number}
//	cancelPayTo   by either     contract: the bank's ID   {party, currency, number}
//
// A bulk is 1 to domain.MaxBulk payments under one signature, booked all or none. Each has its
// own posting and its own event, which its payee alone sees beside the payer.
//
// A payer names the bank on purpose: it says whose money it sends, and is refused if that
// bank does not issue the currency. A reference is 0 to MaxText bytes; settle must
// give one, that of the payment outside, and refuse must give a reason. A value date is the day
// from which money counts outside; left out, it is the day of booking.
//
// # Money
//
//	issue                    issue/<bank>     -> party/<to>        "issue"
//	transfer                 party/<sender>   -> party/<to>        "transfer"
//	reverse                  party/<sender>   -> whence it came    "reversal"
//	hold                     party/<sender>   -> the hold          "hold"
//	capture                  the hold         -> party/<to>        "capture"
//	final capture, release,
//	expiry                   the hold         -> party/<payer>     "release"
//	redeem                   party/<sender>   -> the redemption    "redemption"
//	settle, report, book     the redemption   -> issue/<bank>      "redeemed"
//	book (came back)         issue/<bank>     -> the redemption    "returned"
//	refuse, silence          the redemption   -> party/<holder>    "return"
//
// "The hold" and "the redemption" are escrow/cash/1/hold/<id> and escrow/cash/1/redemption/<id>:
// while the payee or the bank decides, neither side can spend the money.
//
// # Reversals
//
// Only the payee gives back, in parts or whole, and never more than it got: money that arrived is its own. A bank cannot take
// an issue back, nor correct anybody's account; it asks the payee. The posting is named by log index and number, which the engine
// compares with the log. What came out of an escrow has no such way back, and a reversal is not reversed: transfer instead.
//
// # Life of a hold
//
//	held -> captured | released | expired
//
// A hold lives MaxHold at most and ends by itself. Captures that are not final leave it held.
//
// # Limits
//
// A limit (domain.Limit) bounds what an account holds and pays, by whichever kind. It has a part of the bank that issues the
// currency and a part of the owner, which its bank does not see; a command replaces the sender's part. The owner can lift its own
// part at any time, so it guards against mistakes, not against whoever has the owner's key.
//
// # Life of a pay-to account
//
//	unconfirmed -> in-force -> asked -> cooling-off -> in-force
//
// Where the bank pays outside is pinned: the holder asks, the bank confirms the first account, and a change is approved by a second
// key and waits for a cool-off, in which the old account stays in force and either side can cancel. A redemption names the account in
// force when it is asked for and, once it is accepted, the one in force then; no later change moves it.
//
// # Life of a redemption
//
//	requested -> accepted -> settled | refused      accepted -> overdue -> settled | refused
//	requested -> settled | refused | returned
//
// Silence on a request for AcceptWindow returns the money: nothing was promised. A bank that
// pays outside therefore accepts first: from then on silence never returns the money, which would pay the holder twice. Silence for
// SettleWindow after acceptance makes the redemption overdue, which both sides see; the money stays
// put until the bank says settled or refused, because only the bank can know which.
//
// # Payment by bank messages
//
// A bank that pays through ISO 20022 instructs instead of accepting, and then says what its own bank, or its payment engine, reports.
// Such a redemption is a payment: queued and its funds held from the request on, in the words of the trade
//
//	requested, accepted -> instructed -> acked -> settled       instructed, acked -> overdue -> the same
//	instructed, acked -> queued (rejected: attempt n+1)         settled -> queued (returned: the debt lives again)
//	queued -> instructed | refused | returned
//
// Each attempt has one message, and its IDs follow from the redemption and the attempt (PaymentID), so that sending again after a crash sends
// the same message, and a bank that got it twice refuses the second. Its refusal of a duplicate is no rejection of the payment. Words that a bank says twice count once: they are known by message, entry and hash.
// Nothing but a booked entry of the right ID, amount and currency settles, or the word that settlement is completed; whatever contradicts
// the state moves no money and opens an exception, and until the bank resolves it nothing is instructed again nor returned by
// silence. A settled payment stays open for ReturnWindow, since money may come back.
package cash

import (
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// Limits and windows of cash/1.
const (
	// MaxText bounds a reference or reason, in bytes of UTF-8: the 140 characters of a
	// remittance line in ISO 20022, which a bank can carry outside.
	MaxText = 140
	// AcceptWindow is how long a bank may be silent on a request, in milliseconds (7 days).
	AcceptWindow domain.Millis = 7 * 24 * 60 * 60 * 1000
	// SettleWindow is how long a bank may take from acceptance to settlement, in milliseconds (7 days).
	SettleWindow domain.Millis = 7 * 24 * 60 * 60 * 1000
	// ReturnWindow is how long a payment that settled by bank messages stays open for its return, in milliseconds (400 days:
	// a recall for fraud may come 13 months later).
	ReturnWindow domain.Millis = 400 * 24 * 60 * 60 * 1000
	// MaxInstruction bounds the payments of one message.
	MaxInstruction = 256
	// MaxAttempts bounds the attempts of one redemption.
	MaxAttempts = 99
	// MaxHold is the longest that a hold may live, in milliseconds (366 days).
	MaxHold domain.Millis = 366 * 24 * 60 * 60 * 1000
)

// The statuses of records. A currency is issued for ever and a limit stays, limited or not;
// requested, accepted, overdue, held and partly reversed are open, the others final.
const (
	Issued    = "issued"
	Requested = "requested"
	Accepted  = "accepted"
	// Instructed: the message was made, and is sent again until the bank answers. Acked: the bank has it. Queued: an attempt was
	// rejected or returned, the funds are held, and the next may be instructed.
	Instructed = "instructed"
	Acked      = "acked"
	Queued     = "queued"
	Overdue    = "overdue"
	Settled    = "settled"
	Refused    = "refused"
	Returned   = "returned"

	Held     = "held"
	Captured = "captured"
	Released = "released"
	Expired  = "expired"

	PartlyReversed = "partly-reversed"
	Reversed       = "reversed"

	Limited   = "limited"
	Unlimited = "unlimited"
)

// Currency is the record currency/<code>: whose claim the money of a currency is. Visible to the bank.
type Currency struct {
	Code   domain.Currency `json:"code"`
	Issuer domain.PartyID  `json:"issuer"`
	Since  domain.Millis   `json:"since"`
}

// Redemption is the record redemption/<id>, visible to bank and holder.
type Redemption struct {
	ID     string         `json:"id"`
	Bank   domain.PartyID `json:"bank"`
	Holder domain.PartyID `json:"holder"`
	Amount domain.Money   `json:"amount"`
	// PayTo is the account outside that the money goes to, the one pinned when the redemption was
	// requested or, later, accepted; nil if none was.
	PayTo *Account `json:"payTo,omitempty"`
	// Reference is the holder's.
	Reference string `json:"reference"`
	Status    string `json:"status"`
	// RequestedAt, AcceptedAt and EndedAt are batch times; zero means not yet. DueAt is when silence counts next.
	RequestedAt domain.Millis `json:"requestedAt"`
	AcceptedAt  domain.Millis `json:"acceptedAt"`
	EndedAt     domain.Millis `json:"endedAt"`
	DueAt       domain.Millis `json:"dueAt"`
	// Answer is the bank's payment reference or its reason for refusing.
	Answer string `json:"answer"`
	// Payout is what a message says beside amount and account. Nil for nothing.
	Payout *Payout `json:"payout,omitempty"`
	// Attempt is the one under way or the last, from 1; zero before the first.
	Attempt int `json:"attempt,omitempty"`
	// Payment is the attempt's, once there was one.
	Payment *Attempt `json:"payment,omitempty"`
	// Exceptions counts those that are open.
	Exceptions int `json:"exceptions,omitempty"`
}

// Contract is the kind cash/1.
var Contract domain.Contract = contract{}

type contract struct{}

// Kind is domain.CashKind.
func (contract) Kind() domain.Kind { return domain.CashKind }

// Show gives every party of a record all its fields, but the bank not what the owner of an
// account allows itself.
func (contract) Show(key string, body []byte, viewer domain.PartyID) (any, error) {
	if strings.HasPrefix(key, "limit/") {
		return showLimit(body, viewer)
	}
	return canon.ToJSON(body)
}

// Apply judges one command or deadline.
func (contract) Apply(v domain.View, in domain.Input) (domain.Effects, error) {
	switch in.Command.Name {
	case "issue":
		return one(v, in, (*order).issue)
	case "transfer":
		return one(v, in, (*order).transfer)
	case "bulkIssue":
		return many(v, in, (*order).issue)
	case "bulkTransfer":
		return many(v, in, (*order).transfer)
	case "redeem":
		return redeem(v, in)
	case "hold":
		return judge(v, in, (*order).hold)
	case "capture":
		return judge(v, in, (*order).capture)
	case "release":
		return judge(v, in, (*order).release)
	case expireName:
		return judge(v, in, (*order).expire)
	case "reverse":
		return judge(v, in, (*order).reverse)
	case "limit":
		return judge(v, in, (*order).limit)
	case "payTo":
		return judge(v, in, (*order).payTo)
	case "approvePayTo":
		return judge(v, in, (*order).approvePayTo)
	case "cancelPayTo":
		return judge(v, in, (*order).cancelPayTo)
	case payToName:
		return judge(v, in, (*order).payToTakesEffect)
	case "accept":
		return accept(v, in)
	case "settle":
		return settle(v, in)
	case "refuse":
		return refuse(v, in)
	case "instruct":
		return judge(v, in, (*order).instruct)
	case "report":
		return judge(v, in, (*order).report)
	case "book":
		return judge(v, in, (*order).book)
	case "resolve":
		return judge(v, in, (*order).resolve)
	case closeName:
		return closeSettled(v, in)
	case returnName:
		return giveBack(v, in)
	case overdueName:
		return markOverdue(v, in)
	}
	return domain.Effects{}, domain.Refuse(domain.UnknownCommand, "%s has no command %.40q", domain.CashKind, in.Command.Name)
}
