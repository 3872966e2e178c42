package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/user"
	"github.com/latchkey/latchkey/storage"
)

func newAdminCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "admin", Short: "Manage the operators and the API keys of this deployment"}
	cmd.AddCommand(
		newOperatorCommand("grant", "Make a user an operator", true),
		newOperatorCommand("revoke", "Take the operator role away", false),
		newAPIKeyCommand(),
	)
	return cmd
}

func newOperatorCommand(use, short string, operator bool) *cobra.Command {
	var who selector
	var endKeys bool
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: withDB(func(cmd *cobra.Command, _ []string, db *storage.DB) error {
			id, err := who.find(cmd.Context(), db)
			if err != nil {
				return err
			}
			users := user.NewService(db, identity.NoNotices{}, identity.SystemClock)
			var u identity.User
			var keys []identity.CreatedKey
			if operator {
				u, err = users.SetOperator(cmd.Context(), id, true)
			} else {
				u, keys, err = users.RevokeOperator(cmd.Context(), id, endKeys)
			}
			if errors.Is(err, identity.ErrNotFound) {
				return errors.New("this user is disabled")
			}
			if err != nil {
				return err
			}
			state := "is not an operator any more"
			if operator {
				state = "is an operator now"
			}
			cmd.Printf("%s (%s) %s\n", u.ID, u.DisplayName, state)
			printKeys(cmd, keys, endKeys)
			return nil
		}),
	}
	who.flags(cmd)
	if !operator {
		cmd.Flags().BoolVar(&endKeys, "end-keys", false, "also end the API keys of the deployment that the user created")
	}
	return cmd
}

// printKeys lists the API keys that a former operator created, and what became of
// them.
func printKeys(cmd *cobra.Command, keys []identity.CreatedKey, ended bool) {
	if len(keys) == 0 {
		return
	}
	if ended {
		cmd.Println("API keys that ended:")
	} else {
		cmd.Println("API keys that they created, and that still work. Run this again with --end-keys to end them:")
	}
	for _, k := range keys {
		cmd.Printf("  %s  lk_%s…  %s\n", k.ID, k.Prefix, k.Name)
	}
}

// selector names one user on the command line.
type selector struct{ email, wallet, id string }

func (s *selector) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.email, "email", "", "the user with this verified address")
	cmd.Flags().StringVar(&s.wallet, "wallet", "", "the user with this wallet (0x...)")
	cmd.Flags().StringVar(&s.id, "user", "", "the user with this id")
	cmd.MarkFlagsOneRequired("email", "wallet", "user")
	cmd.MarkFlagsMutuallyExclusive("email", "wallet", "user")
}

// find finds exactly one user. They must have signed in once: operators have
// proved who they are.
func (s selector) find(ctx context.Context, db *storage.DB) (identity.ID, error) {
	var filter identity.UserFilter
	switch {
	case s.id != "":
		parsed, err := uuid.Parse(s.id)
		if err != nil {
			return identity.ID{}, fmt.Errorf("--user: %w", err)
		}
		u, err := db.User(ctx, parsed)
		if errors.Is(err, identity.ErrNotFound) {
			err = errors.New("--user: there is no such user")
		}
		return u.ID, err
	case s.email != "":
		canonical, err := identity.CanonicalEmail(s.email)
		if err != nil {
			return identity.ID{}, fmt.Errorf("--email: %w", err)
		}
		filter.Email = canonical
	default:
		if !common.IsHexAddress(s.wallet) {
			return identity.ID{}, errors.New("--wallet: this is not an Ethereum address")
		}
		filter.Wallet = common.HexToAddress(s.wallet).Hex()
	}
	users, err := db.Users(ctx, filter, identity.Page{Limit: 1}) // reads one more, to see if there are several
	switch {
	case err != nil:
		return identity.ID{}, err
	case len(users) == 0:
		return identity.ID{}, errors.New("no user with this address or wallet has signed in yet: let them sign in first")
	case len(users) > 1:
		return identity.ID{}, errors.New("several users have a contract wallet at this address, on different chains: use --user")
	}
	return users[0].ID, nil
}
