package sim

import (
	"aval/domain"
	"aval/domain/canon"
)

// DepositKind is the kind of Deposit.
const DepositKind domain.Kind = "deposit/1"

// Deposit is a small contract kind that uses what the engine offers: money kept for another
// party, deadlines that are set, moved and cancelled, watches that observations hit, chains
// of deadlines due at once, records that become final.
//
//	open     {to, amount, at, watched}  keeps the sender's money until at, then gives it back
//	release  {}                         by the owner: pays
//	extend   {at}                       by the owner: moves the end
//	observe                             the third observation pays, unless two contradicted each other
//	chain    {length}                   that many deadlines, each due at once
type Deposit struct{}

// observationsToPay is how many observations pay a deposit.
const observationsToPay = 3

// depositBody is the body of every command.
type depositBody struct {
	To      domain.PartyID `json:"to,omitempty"`
	Amount  domain.Money   `json:"amount,omitzero"`
	At      domain.Millis  `json:"at,omitempty"`
	Watched bool           `json:"watched,omitempty"`
	Length  int64          `json:"length,omitempty"`
}

// kept is the record deposit/<id>.
type kept struct {
	Owner    domain.PartyID `json:"owner"`
	To       domain.PartyID `json:"to"`
	Amount   domain.Money   `json:"amount"`
	Seen     int64          `json:"seen"`
	Doubtful bool           `json:"doubtful"`
	Reminded bool           `json:"reminded"`
	Watched  bool           `json:"watched"`
}

// links is the record chain/<id>.
type links struct {
	Owner domain.PartyID `json:"owner"`
	Left  int64          `json:"left"`
}

// Kind is DepositKind.
func (Deposit) Kind() domain.Kind { return DepositKind }

// Show gives the raw fields.
func (Deposit) Show(_ string, body []byte, _ domain.PartyID) (any, error) { return canon.ToJSON(body) }

// Apply judges one command, deadline or observation.
func (Deposit) Apply(v domain.View, in domain.Input) (domain.Effects, error) {
	switch in.Command.Name {
	case "open":
		return openDeposit(v, in)
	case "chain", "Tick":
		return chain(v, in)
	}
	key := "deposit/" + in.Command.Contract
	k, found, err := domain.Load[kept](v, key)
	if err != nil {
		return domain.Effects{}, err
	}
	if !found {
		return domain.Effects{}, domain.Refuse(domain.NotFound, "no open deposit %s", in.Command.Contract)
	}
	switch in.Command.Name {
	case "Expire":
		return k.end(in, key, "returned", k.Owner)
	case "Remind":
		k.Reminded = true
		return k.keep(in, key, "reminded", domain.Effects{})
	case domain.Equivocate:
		k.Doubtful = true
		return k.keep(in, key, "doubted", domain.Effects{})
	case domain.Observe:
		if k.Seen++; k.Seen >= observationsToPay && !k.Doubtful {
			return k.end(in, key, "paid", k.To)
		}
		return k.keep(in, key, "observed", domain.Effects{})
	}
	return k.command(in, key)
}

func openDeposit(v domain.View, in domain.Input) (fx domain.Effects, err error) {
	var body depositBody
	if err := in.Command.DecodeBody(&body); err != nil {
		return fx, err
	}
	id, key := in.Command.Contract, "deposit/"+in.Command.Contract
	if _, open := v.Get(key); open || v.Closed(key) {
		return fx, domain.Refuse(domain.AlreadyExists, "deposit %s exists", id)
	}
	if _, known := in.Registry.Party(body.To); !known {
		return fx, domain.Refuse(domain.NotFound, "to: party %s is not registered", body.To)
	}
	if body.At <= in.Now {
		return fx, domain.Refuse(domain.InvalidTerms, "at %d is not after %d", body.At, in.Now)
	}
	fx.Postings = []domain.Posting{{
		Debit: domain.PartyAccount(in.Sender), Credit: domain.EscrowAccount(DepositKind, key), Amount: body.Amount, Purpose: "deposit",
	}}
	fx.Deadlines = []domain.Deadline{
		{At: body.At, Contract: id, Name: "Expire"}, {At: in.Now + (body.At-in.Now)/2, Contract: id, Name: "Remind"},
	}
	if body.Watched {
		fx.Watches = []domain.Watch{{Subject: id, Until: body.At}}
	}
	k := kept{Owner: in.Sender, To: body.To, Amount: body.Amount, Watched: body.Watched}
	return k.keep(in, key, "opened", fx)
}

// command handles what only the owner may send.
func (k kept) command(in domain.Input, key string) (fx domain.Effects, err error) {
	var body depositBody
	if err := in.Command.DecodeBody(&body); err != nil {
		return fx, err
	}
	if in.Sender != k.Owner {
		return fx, domain.Refuse(domain.NotPermitted, "only the owner may do this")
	}
	switch in.Command.Name {
	case "release":
		return k.end(in, key, "paid", k.To)
	case "extend":
		if body.At <= in.Now {
			return fx, domain.Refuse(domain.InvalidTerms, "at %d is not after %d", body.At, in.Now)
		}
		fx.Deadlines = []domain.Deadline{{At: body.At, Contract: in.Command.Contract, Name: "Expire"}}
		if k.Watched {
			fx.Watches = []domain.Watch{{Subject: in.Command.Contract, Until: body.At}}
		}
		return k.keep(in, key, "extended", fx)
	}
	return fx, domain.Refuse(domain.UnknownCommand, "no command %q", in.Command.Name)
}

// end moves the money out, cancels what is open and closes the record.
func (k kept) end(in domain.Input, key, event string, to domain.PartyID) (domain.Effects, error) {
	id := in.Command.Contract
	fx, err := k.keep(in, key, event, domain.Effects{
		Postings: []domain.Posting{{
			Debit: domain.EscrowAccount(DepositKind, key), Credit: domain.PartyAccount(to), Amount: k.Amount, Purpose: event,
		}},
		Deadlines: []domain.Deadline{{Contract: id, Name: "Expire"}, {Contract: id, Name: "Remind"}},
		Watches:   []domain.Watch{{Subject: id}},
	})
	if err == nil {
		fx.Writes[0].Final = true
	}
	return fx, err
}

func (k kept) keep(in domain.Input, key, event string, fx domain.Effects) (domain.Effects, error) {
	return record(fx, key, event, k, k.Owner, k.To)
}

func record(fx domain.Effects, key, event string, state any, parties ...domain.PartyID) (domain.Effects, error) {
	w, err := domain.Put(key, state, event, parties...)
	if err != nil {
		return fx, err
	}
	e, err := domain.NewEvent(event, key, state, parties...)
	fx.Writes, fx.Events = []domain.Write{w}, []domain.Event{e}
	return fx, err
}

// chain asks for a deadline that is due at once, as often as it was told to.
func chain(v domain.View, in domain.Input) (fx domain.Effects, err error) {
	key := "chain/" + in.Command.Contract
	l, found, err := domain.Load[links](v, key)
	if err != nil {
		return fx, err
	}
	if in.Command.Name == "chain" {
		var body depositBody
		if err := in.Command.DecodeBody(&body); err != nil {
			return fx, err
		}
		if found || v.Closed(key) {
			return fx, domain.Refuse(domain.AlreadyExists, "chain %s exists", in.Command.Contract)
		}
		l = links{Owner: in.Sender, Left: body.Length + 1}
	}
	if l.Left--; l.Left > 0 {
		fx.Deadlines = []domain.Deadline{{At: in.Now, Contract: in.Command.Contract, Name: "Tick"}}
	}
	fx, err = record(fx, key, "ticked", l, l.Owner)
	if err == nil {
		fx.Writes[0].Final = l.Left <= 0
	}
	return fx, err
}
