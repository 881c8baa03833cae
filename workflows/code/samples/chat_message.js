// A message in a team's chat, by an incoming webhook whose address is kept as a secret.
exports.main = async (event, callback) => {
  const { name, amount } = event.inputFields;
  const shown = Number(amount).toLocaleString('en-US', { style: 'currency', currency: 'EUR' });
  const response = await fetch(process.env.CHAT_ADDRESS, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': event.callbackId },
    body: JSON.stringify({ text: `:tada: ${name} was won: ${shown}` }),
  });
  if (!response.ok) {
    const error = new Error('The chat did not take the message');
    error.status = response.status;
    throw error;
  }
  callback({ outputFields: { sent: true } });
};
