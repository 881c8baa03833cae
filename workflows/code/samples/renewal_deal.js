// The next deal of a customer, made in this CRM by its own API: last year's amount and five per cent more.
exports.main = async (event, callback) => {
  const { crm, dealname, amount } = event.inputFields;
  const next = Math.round(Number(amount) * 105) / 100;
  const response = await fetch(`${crm}/api/v1/deals/`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${process.env.CRM_TOKEN}` },
    body: JSON.stringify({ properties: { name: `${dealname} (renewal)`, amount: next } }),
  });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.detail), { status: response.status });
  callback({ outputFields: { deal: answer.id, amount: next } });
};
