package ledger

import (
	"fmt"

	"aval/domain"
)

// StatementFilter selects the lines of an account's statement.
type StatementFilter struct {
	Account domain.AccountID
	// Currency selects one; empty means all.
	Currency domain.Currency
	// From is where the period begins, To what it ends before; not set, the beginning and the
	// present end of the log.
	From, To Moment
	// Cursor is the Next of an earlier page, empty for the first. It holds the period, so that
	// later bookings move nothing; From and To are then not looked at.
	Cursor string
	// Limit is 1 to 1000 lines, zero means 100. No page ends within an entry: one that moves
	// much on the account may exceed it.
	Limit int
}

// Statement is one page of an account's statement. On every page, opening and lines make the
// closing; the closing of one page is the opening of the next.
type Statement struct {
	Account domain.AccountID    `json:"account"`
	Class   domain.AccountClass `json:"class"`
	// Owner is empty for an escrow.
	Owner domain.PartyID `json:"owner,omitempty"`
	// From and To are the indexes of the period: the first, and the one after the last.
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// Opening and Closing name each currency that is not zero in one of them or moves on the page, in order.
	Opening []domain.Money  `json:"opening"`
	Lines   []StatementLine `json:"lines"`
	Closing []domain.Money  `json:"closing"`
	// Next is empty on the last page. A page may be short, even empty, and still have a Next.
	Next string `json:"next,omitempty"`
}

// Side is the side of an account on which a posting stands.
type Side string

// The two sides.
const (
	DebitSide  Side = "debit"
	CreditSide Side = "credit"
)

// StatementLine is one posting as its account sees it.
type StatementLine struct {
	Index    uint64        `json:"index"`
	Number   int           `json:"number"`
	BookedAt domain.Millis `json:"bookedAt"`
	// ValueDate is the day of booking where the command set no other.
	ValueDate domain.Date  `json:"valueDate"`
	Side      Side         `json:"side"`
	Amount    domain.Money `json:"amount"`
	// Counter is the account on the other side.
	Counter domain.AccountID `json:"counter"`
	Purpose string           `json:"purpose"`
	// Reference is what the payer wrote, as the cause tells it to the viewer. Command is the ID
	// of the command, for its sender.
	Reference string             `json:"reference,omitempty"`
	Command   string             `json:"command,omitempty"`
	Cause     Cause              `json:"cause"`
	Reverses  *domain.PostingRef `json:"reverses,omitempty"`
	// Balance is that of the account after the line.
	Balance domain.Money `json:"balance"`
}

// Check refuses a page whose opening and lines do not make its closing, line by line.
func (s Statement) Check() error {
	running := map[domain.Currency]int64{}
	for _, m := range s.Opening {
		running[m.Currency] += m.Minor
	}
	for _, line := range s.Lines {
		amount := line.Amount.Minor
		if line.Side == DebitSide {
			amount = -amount
		}
		if running[line.Amount.Currency] += amount; running[line.Amount.Currency] != line.Balance.Minor {
			return fmt.Errorf("statement of %s: the balance after index %d does not follow from the one before", s.Account, line.Index)
		}
	}
	for _, m := range s.Closing {
		running[m.Currency] -= m.Minor
	}
	for currency, minor := range running { //tidy:ordered any difference is an error
		if minor != 0 {
			return fmt.Errorf("statement of %s: opening and lines do not make the closing in %s", s.Account, currency)
		}
	}
	return nil
}

// Statement lists what moved on an account, in order of booking, with the balances before and
// after. NotFound for an account that is not the viewer's, unless it is an auditor.
func (e *Engine) Statement(viewer domain.PartyID, f StatementFilter) (Statement, error) {
	limit, err := pageLimit(f.Limit)
	if err != nil {
		return Statement{}, err
	}
	if !e.mayRead(viewer, f.Account) {
		return Statement{}, errNotFound()
	}
	p := &statementPage{books: e.books(), viewer: viewer, all: e.Audits(viewer), currency: f.Currency}
	p.Account, p.Class, p.Owner, p.Lines = f.Account, f.Account.Class(), f.Account.Owner(), []StatementLine{}
	if err := p.period(f); err != nil {
		return Statement{}, err
	}
	err = p.read(limit)
	return p.Statement, err
}
