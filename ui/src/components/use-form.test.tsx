import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { Field, Input } from '@/components/ui/field';
import { ApiError } from '@/lib/client';
import { useForm } from './use-form';

const send = vi.fn();

function Example({ refuse }: { refuse?: ApiError }) {
  const form = useForm({
    initial: { name: '', price: '' },
    check: (v) => (v.name ? {} : { name: 'Give it a name' }),
    send: (v) => (refuse ? form.refuse(refuse) : send(v)),
    fieldOf: { cost: 'price' },
  });
  return (
    <form ref={form.ref} onSubmit={form.submit}>
      <Field label="Name" error={form.mistakes.name}>
        <Input {...form.text('name')} />
      </Field>
      <Field label="Price" error={form.mistakes.price}>
        <Input {...form.text('price')} />
      </Field>
      {form.refusal && <p role="alert">{form.refusal}</p>}
      <button type="submit">Save</button>
    </form>
  );
}

it('binds the mistake to its control, focuses it, and sends nothing', async () => {
  render(<Example />);
  await userEvent.click(screen.getByText('Save'));
  const name = screen.getByLabelText('Name');
  expect(name).toHaveAttribute('aria-invalid', 'true');
  expect(name).toHaveAccessibleDescription('Give it a name');
  expect(name).toHaveFocus();
  expect(send).not.toHaveBeenCalled();
  await userEvent.type(name, 'abc');
  await userEvent.click(screen.getByText('Save'));
  expect(send).toHaveBeenCalledWith({ name: 'abc', price: '' });
});

it('puts a refusal of the server to the field it is about', async () => {
  render(<Example refuse={new ApiError(400, 'invalid', 'Too cheap', 'cost')} />);
  await userEvent.type(screen.getByLabelText('Name'), 'abc');
  await userEvent.click(screen.getByText('Save'));
  expect(screen.getByLabelText('Price')).toHaveAccessibleDescription('Too cheap');
});

it('says over the form what belongs to no field', async () => {
  render(<Example refuse={new ApiError(500, 'internal', 'No database')} />);
  await userEvent.type(screen.getByLabelText('Name'), 'abc');
  await userEvent.click(screen.getByText('Save'));
  expect(screen.getByRole('alert')).toHaveTextContent('No database');
});
