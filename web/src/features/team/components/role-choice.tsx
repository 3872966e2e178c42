import { Select } from '@mantine/core'
import { useState } from 'react'
import type { Member, Role, Team } from '../../../api/types'
import { Question } from '../../../components/confirm'
import { Name, personName } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { assignable, roleQuestion } from '../roles'

// RoleChoice gives a member another role. It is a list that opens and not a select
// of the browser: there arrow keys choose, and what is only passed through is done.
export function RoleChoice({ team, member, self, onChoose }: { team: Team; member: Member; self: boolean; onChoose: (role: Role) => void }) {
  const t = useT()
  // Kept while the question fades out.
  const [wish, setWish] = useState({ role: member.role, asked: false })
  const name = personName(t, member.user)
  const role = t(`common.${wish.role}`)
  const kind = roleQuestion(member.role, wish.role, self) ?? 'Owner'
  return (
    <>
      <Select
        w={120}
        size="xs"
        aria-label={t('team.roleOf', { name })}
        data={assignable(team.role).map((role) => ({ value: role, label: t(`common.${role}`) }))}
        value={member.role}
        allowDeselect={false}
        withScrollArea={false}
        onChange={(chosen) => {
          if (chosen === null) return
          if (roleQuestion(member.role, chosen, self)) setWish({ role: chosen, asked: true })
          else onChoose(chosen)
        }}
      />
      <Question
        opened={wish.asked}
        onClose={() => setWish({ ...wish, asked: false })}
        title={t(`team.role${kind}Title`)}
        text={t.rich(`team.role${kind}Text`, { name: <Name key="name">{name}</Name>, role })}
        confirm={t(`team.role${kind}Confirm`)}
        action={() => Promise.resolve(onChoose(wish.role))}
      />
    </>
  )
}
