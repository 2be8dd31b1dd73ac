package contracttest

import "aval/domain"

// checkReversals refuses a reversal of what was never booked, or of something else.
func (b *Bench) checkReversals(postings []domain.Posting) error {
	for _, p := range postings {
		if p.Reverses == nil {
			continue
		}
		original, found := b.posting(*p.Reverses)
		if !found {
			return domain.Refuse(domain.NotFound, "entry %d has no posting %d", p.Reverses.Index, p.Reverses.Number)
		}
		if err := p.CheckReversal(original); err != nil {
			return err
		}
	}
	return nil
}

// checkLimits refuses what the limits of accounts do not allow, and gives what is spent of
// the day on accounts that have one. One posting after the other, so that it is easy to believe.
func (b *Bench) checkLimits(after map[balanceKey]int64, postings []domain.Posting, day domain.Date) (map[spentKey]int64, error) {
	spent := map[spentKey]int64{}
	for account, limit := range b.limits {
		key := spentKey{account, day}
		flow := domain.Flow{Before: b.balances[account], After: after[account], Spent: b.spent[key]}
		for _, p := range postings {
			if p.Amount.Currency == account.currency && p.Debit == account.account {
				flow.Out += p.Amount.Minor
			}
			if p.Amount.Currency == account.currency && p.Credit == account.account && p.Debit.Class() != domain.ClassEscrow {
				flow.Paid = true
			}
		}
		if err := limit.Check(flow); err != nil {
			return nil, err
		}
		if limit.Narrowest().DailyOutflow != 0 {
			spent[key] = flow.Spent + flow.Out
		}
	}
	return spent, nil
}
