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
	cmd := &cobra.Command{Use: "admin", Short: "Manage the operators of this deployment"}
	cmd.AddCommand(
		newOperatorCommand("grant", "Make a user an operator", true),
		newOperatorCommand("revoke", "Take it back", false),
	)
	return cmd
}

func newOperatorCommand(use, short string, operator bool) *cobra.Command {
	var who struct{ email, wallet, id string }
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: withDB(func(cmd *cobra.Command, _ []string, db *storage.DB) error {
			id, err := findUser(cmd.Context(), db, who.email, who.wallet, who.id)
			if err != nil {
				return err
			}
			u, err := user.NewService(db, identity.SystemClock).SetOperator(cmd.Context(), id, operator)
			if errors.Is(err, identity.ErrNotFound) {
				return errors.New("this user is disabled")
			}
			if err != nil {
				return err
			}
			state := "is no operator any more"
			if operator {
				state = "is an operator now"
			}
			cmd.Printf("%s (%s) %s\n", u.ID, u.DisplayName, state)
			return nil
		}),
	}
	cmd.Flags().StringVar(&who.email, "email", "", "the user with this verified address")
	cmd.Flags().StringVar(&who.wallet, "wallet", "", "the user with this wallet (0x...)")
	cmd.Flags().StringVar(&who.id, "user", "", "the user with this id")
	cmd.MarkFlagsOneRequired("email", "wallet", "user")
	cmd.MarkFlagsMutuallyExclusive("email", "wallet", "user")
	return cmd
}

// findUser finds exactly one user. He must have signed in once: nobody is made
// an operator before he has proved who he is.
func findUser(ctx context.Context, db *storage.DB, email, wallet, id string) (identity.ID, error) {
	var filter identity.UserFilter
	switch {
	case id != "":
		parsed, err := uuid.Parse(id)
		if err != nil {
			return identity.ID{}, fmt.Errorf("--user: %w", err)
		}
		u, err := db.User(ctx, parsed)
		if errors.Is(err, identity.ErrNotFound) {
			err = errors.New("--user: there is no such user")
		}
		return u.ID, err
	case email != "":
		canonical, err := identity.CanonicalEmail(email)
		if err != nil {
			return identity.ID{}, fmt.Errorf("--email: %w", err)
		}
		filter.Email = canonical
	default:
		if !common.IsHexAddress(wallet) {
			return identity.ID{}, errors.New("--wallet: this is no Ethereum address")
		}
		filter.Wallet = common.HexToAddress(wallet).Hex()
	}
	users, err := db.Users(ctx, filter, identity.Page{Limit: 1})
	switch {
	case err != nil:
		return identity.ID{}, err
	case len(users) == 0:
		return identity.ID{}, errors.New("nobody with this address or wallet has signed in yet: let them sign in first")
	case len(users) > 1:
		return identity.ID{}, errors.New("several users have a contract wallet at this address, on different chains: use --user")
	}
	return users[0].ID, nil
}
