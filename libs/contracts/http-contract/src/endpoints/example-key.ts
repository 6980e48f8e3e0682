export const exampleKey = {
  key_id: 1,
  uuid: "123e4567-e89b-42d3-a456-426614174000",
  short_id: "7bb45050",
  name: "user_123",
  created_at: 1703520000,
  is_active: true,
} as const;
