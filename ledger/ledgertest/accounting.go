package ledgertest

import "aval/domain"

// accounting judges the Till commands that are about postings themselves, not about what is paid.
func accounting(v domain.View, in domain.Input, o Order) (fx domain.Effects, err error) {
	key := "hold/" + in.Command.Contract
	pay := domain.Posting{
		Debit: domain.PartyAccount(in.Sender), Credit: domain.PartyAccount(o.To), Amount: o.Amount, Purpose: in.Command.Name, Reverses: o.Ref,
	}
	switch in.Command.Name {
	case "reverse": // and "claim", which does not look first
		if _, known := v.Posting(*o.Ref); !known {
			return fx, domain.Refuse(domain.NotFound, "no such posting")
		}
		fallthrough
	case "claim":
		fx.Postings = []domain.Posting{pay}
		return tell(fx, in, key, in.Sender, o.To)
	case "pair": // two movements, each with an event of its own
		first := pay
		first.Credit = domain.EscrowAccount(domain.CashKind, key)
		pay.Cause, pay.ValueDate = 1, domain.Day(in.Now-86_400_000)
		fx.Postings = []domain.Posting{first, pay}
		fx, err = tell(fx, in, key, in.Sender)
		if err != nil {
			return fx, err
		}
		return tell(fx, in, key, in.Sender, o.To)
	case "limit", "unlimit": // of the sender's outflow in a day
		return limit(fx, in, o.Amount.Currency, domain.Bounds{DailyOutflow: o.Amount.Minor})
	case "ceiling": // of the sender's balance
		return limit(fx, in, o.Amount.Currency, domain.Bounds{MaximumBalance: o.Amount.Minor})
	}
	return fx, domain.Refuse(domain.UnknownCommand, "no command %q", in.Command.Name)
}

func limit(fx domain.Effects, in domain.Input, c domain.Currency, own domain.Bounds) (domain.Effects, error) {
	w, err := domain.Put("limit/"+string(in.Sender)+"/"+string(c), domain.Limit{Party: in.Sender, Currency: c, Own: own}, "limited", in.Sender)
	w.Final = in.Command.Name == "unlimit"
	fx.Writes = append(fx.Writes, w)
	return fx, err
}
