package domain

// Limit is a record limit/<party>/<currency> of cash/1: what the engine allows to happen on that
// party's account, whichever kind moves the money. The bank and the owner each set a part, and
// of two bounds the narrower one counts.
type Limit struct {
	Party    PartyID  `json:"party"`
	Currency Currency `json:"currency"`
	Bank     Bounds   `json:"bank"`
	Own      Bounds   `json:"own"`
}

// Bounds are amounts in minor units. Zero means no such bound.
type Bounds struct {
	// MaximumBalance is what the account may hold after a payment into it. Money that comes out
	// of an escrow is never refused: it would be trapped there.
	MaximumBalance int64 `json:"maximumBalance"`
	// MinimumBalance is what must be left after money is taken from the account.
	MinimumBalance int64 `json:"minimumBalance"`
	// DailyOutflow is what may be taken in sum on one calendar day, UTC, by batch time.
	DailyOutflow int64 `json:"dailyOutflow"`
}

// Check refuses bounds below zero or beyond MaxMinor, and a maximum below the minimum.
func (b Bounds) Check() error {
	for _, bound := range []struct {
		name  string
		minor int64
	}{{"maximumBalance", b.MaximumBalance}, {"minimumBalance", b.MinimumBalance}, {"dailyOutflow", b.DailyOutflow}} {
		if bound.minor < 0 || bound.minor > MaxMinor {
			return Refuse(InvalidAmount, "%s: %d minor units, want 0 to %d", bound.name, bound.minor, int64(MaxMinor))
		}
	}
	if b.MaximumBalance != 0 && b.MaximumBalance < b.MinimumBalance {
		return Refuse(InvalidTerms, "maximumBalance: below minimumBalance")
	}
	return nil
}

// Narrowest is what counts: of two bounds the one that allows less.
func (l Limit) Narrowest() Bounds {
	return Bounds{
		MaximumBalance: narrower(l.Bank.MaximumBalance, l.Own.MaximumBalance),
		MinimumBalance: max(l.Bank.MinimumBalance, l.Own.MinimumBalance),
		DailyOutflow:   narrower(l.Bank.DailyOutflow, l.Own.DailyOutflow),
	}
}

// Flow is what one command does to one party's account in one currency, in minor units.
type Flow struct {
	Before, After int64
	// Paid says that some of it comes from another party or a bank, not from an escrow.
	Paid bool
	// Out is the sum of the debits, Spent that of the same day before the command.
	Out, Spent int64
}

// Check refuses a flow beyond the limit. It names the bound, never an amount: who pays an
// account learns nothing of what is on it.
func (l Limit) Check(f Flow) error {
	b := l.Narrowest()
	switch {
	case f.After < f.Before && f.After < b.MinimumBalance:
		return l.exceeded("minimumBalance")
	case b.DailyOutflow != 0 && f.Out > 0 && f.Out > b.DailyOutflow-f.Spent:
		return l.exceeded("dailyOutflow")
	case b.MaximumBalance != 0 && f.Paid && f.After > f.Before && f.After > b.MaximumBalance:
		return l.exceeded("maximumBalance")
	}
	return nil
}

func (l Limit) exceeded(bound string) error {
	return Refuse(LimitExceeded, "%s of %s in %s", bound, PartyAccount(l.Party), l.Currency)
}

// narrower is the lower of two bounds of which zero means none.
func narrower(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
